// CLIP's tokenizer, as Stable Diffusion and its kin use it: 77 ids for any text. The byte-pair encoding is
// @huggingface/tokenizers'; what is here is the frame around it.

import { Tokenizer as BytePairTokenizer } from '@huggingface/tokenizers';

import { readClipVocabulary } from './clip-vocabulary.ts';
import type { Tokenizer } from './ports.ts';

/** What is used of the package, whose own types do not resolve for an ES module. */
type BytePairs = new (
  tokenizer: object,
  config: object,
) => {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
};

/** CLIP's text encoder has this many positions; begin and end take two. */
const LENGTH = 77;

/**
 * Reads a tokenizer folder of a diffusers pipeline. Ids equal those of transformers' CLIPTokenizer with
 * `padding='max_length', truncation=True`.
 * @throws failed-precondition — a file is missing or damaged
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const { tokenizer, beginId, endId, padId } = await readClipVocabulary(folder);
  const bytePairs = new (BytePairTokenizer as unknown as BytePairs)(tokenizer, {});
  return {
    encode: (text) => {
      // JavaScript gives a word's last sigma another lower case; the reference does not.
      const { ids } = bytePairs.encode(text.replaceAll('Σ', 'σ'), { add_special_tokens: false });
      const framed = [beginId, ...ids.slice(0, LENGTH - 2), endId];
      const encoded = new BigInt64Array(LENGTH).fill(BigInt(padId));
      framed.forEach((id, index) => {
        encoded[index] = BigInt(id);
      });
      return encoded;
    },
  };
}
