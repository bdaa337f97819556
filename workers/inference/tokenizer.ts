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
/** Tokens of a text that are read; the others are cut off. */
export const TOKENS_READ = LENGTH - 2;
/** What is longer is told from the character on at which reading ends: scripts without spaces make long words. */
const WORD_CHARACTERS = 40;

export interface ClipTokenizer extends Tokenizer {
  /** What of a text is cut off, from the first word that is not read as a whole; empty if all is read. */
  unread(text: string): string;
}

/**
 * Reads a tokenizer folder of a diffusers pipeline. Ids equal those of transformers' CLIPTokenizer with
 * `padding='max_length', truncation=True`.
 * @throws failed-precondition — a file is missing or damaged
 */
export async function openTokenizer(folder: string): Promise<ClipTokenizer> {
  const { tokenizer, beginId, endId, padId } = await readClipVocabulary(folder);
  const bytePairs = new (BytePairTokenizer as unknown as BytePairs)(tokenizer, {});
  // JavaScript gives a word's last sigma another lower case; the reference does not.
  const idsOf = (text: string): readonly number[] =>
    bytePairs.encode(text.replaceAll('Σ', 'σ'), { add_special_tokens: false }).ids;
  return {
    encode: (text) => {
      const framed = [beginId, ...idsOf(text).slice(0, TOKENS_READ), endId];
      const encoded = new BigInt64Array(LENGTH).fill(BigInt(padId));
      framed.forEach((id, index) => {
        encoded[index] = BigInt(id);
      });
      return encoded;
    },
    idsOf,
    unread: (text) => unreadPart(text, (part) => idsOf(part).length),
  };
}

function unreadPart(text: string, countOf: (part: string) => number): string {
  let left = TOKENS_READ;
  // Tokens never reach over spaces, so words count alone.
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    const count = countOf(word);
    if (count > left) return text.slice(index + readOfWord(word, left, countOf)).trim();
    left -= count;
  }
  return '';
}

/** How much of a word is read that does not fit: none of an ordinary one, of which a part would say nothing. In UTF-16 units. */
function readOfWord(word: string, tokens: number, countOf: (part: string) => number): number {
  const characters = Array.from(word);
  if (characters.length <= WORD_CHARACTERS) return 0;
  const prefix = (length: number): string => characters.slice(0, length).join('');
  let fits = 0;
  let over = characters.length;
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2);
    if (countOf(prefix(middle)) > tokens) over = middle;
    else fits = middle;
  }
  return prefix(fits).length;
}
