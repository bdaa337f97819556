// Reads the files of a CLIP tokenizer as diffusers folders hold them: tokenizer.json, or vocab.json and merges.txt
// alone. From the latter it builds what tokenizer.json would hold. Knows nothing of lengths or padding.

import { join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { parsePythonJson } from '../../common/models/python-json.ts';

export interface ClipVocabulary {
  /** In the form of tokenizer.json. */
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly beginId: number;
  readonly endId: number;
  /** Stable Diffusion 1 pads with the end token, 2 and ZeroScope with `!`, which is id 0. */
  readonly padId: number;
}

type Json = Readonly<Record<string, unknown>>;

const BEGIN = '<|startoftext|>';
const END = '<|endoftext|>';

/** The words that CLIP looks at, as transformers' CLIPTokenizer has it (models/clip/tokenization_clip.py). */
const WORDS = `<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+`;

/** @throws failed-precondition — a file is missing or is not what it should be; names it */
export async function readClipVocabulary(folder: string): Promise<ClipVocabulary> {
  const config = await readSpecialTokens(folder);
  const saved = await readJson(join(folder, 'tokenizer.json'));
  const base = saved ?? (await buildFromVocabulary(folder));
  const ids = vocabularyOf(base, folder);
  const idOf = (token: string): number => {
    const id = ids[token];
    if (typeof id === 'number') return id;
    throw unsound(folder, `the token ${token} is not in the vocabulary`);
  };
  const begin = tokenText(config['bos_token']) ?? BEGIN;
  const end = tokenText(config['eos_token']) ?? END;
  const pad = tokenText(config['pad_token']) ?? end;
  const special = [begin, end, pad].map((token) => specialToken(token, idOf(token), config));
  return {
    tokenizer: withSpecialTokens(base, special),
    beginId: idOf(begin),
    endId: idOf(end),
    padId: idOf(pad),
  };
}

/**
 * tokenizer_config.json, overridden by special_tokens_map.json unless the former lists its added tokens: transformers'
 * rule (tokenization_utils_base.py, _from_pretrained).
 */
async function readSpecialTokens(folder: string): Promise<Json> {
  const config = (await readJson(join(folder, 'tokenizer_config.json'))) ?? {};
  if ('added_tokens_decoder' in config) return config;
  return { ...config, ...(await readJson(join(folder, 'special_tokens_map.json'))) };
}

/** A special token is its text, or an object that has it as `content`. */
function tokenText(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content =
    typeof token === 'object' && token !== null && 'content' in token && token.content;
  return typeof content === 'string' ? content : undefined;
}

async function buildFromVocabulary(folder: string): Promise<Json> {
  const vocab = await readJson(join(folder, 'vocab.json'));
  const merges = await readText(join(folder, 'merges.txt'));
  if (vocab === undefined || merges === undefined) {
    const missing = vocab === undefined ? 'vocab.json' : 'merges.txt';
    throw unsound(folder, `neither tokenizer.json nor ${missing} is there`);
  }
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      vocab,
      merges: merges
        .split('\n')
        .filter((line) => line.trim() !== '' && !line.startsWith('#version'))
        .map((line) => line.trim().split(' ')),
    },
  };
}

function vocabularyOf(tokenizer: Json, folder: string): Json {
  const { model } = tokenizer;
  const vocab = typeof model === 'object' && model !== null && 'vocab' in model && model.vocab;
  if (typeof vocab === 'object' && vocab !== null) return vocab as Json;
  throw unsound(folder, 'tokenizer.json has no vocabulary');
}

/** Found in the text as it is, or, if all that name it ask for that, in the text once it is in lower case. */
function specialToken(content: string, id: number, config: Json): Json {
  const definitions = Object.values(config).filter((value) => tokenText(value) === content);
  const normalized = definitions.every((definition) => {
    return typeof definition === 'object' && (definition as Json)['normalized'] === true;
  });
  return {
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized,
    special: true,
  };
}

/** Special tokens are found before the text is split, so each must be listed; transformers lists them all. */
function withSpecialTokens(tokenizer: Json, tokens: readonly Json[]): Json {
  const added = tokenizer['added_tokens'];
  const byContent = new Map(tokens.map((token) => [token['content'], token]));
  for (const token of Array.isArray(added) ? (added as Json[]) : []) {
    byContent.set(token['content'], token);
  }
  return { ...tokenizer, added_tokens: [...byContent.values()] };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path, `reading ${path}`);
  } catch (reason) {
    const failed = BivdiffError.from(reason);
    if (failed.code === 'not-found') return undefined;
    throw failed;
  }
}

async function readJson(path: string): Promise<Json | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = parsePythonJson(text);
    if (typeof value === 'object' && value !== null) return value as Json;
  } catch (reason) {
    throw unsound(path, 'it is not JSON', reason);
  }
  throw unsound(path, 'it is not a JSON object');
}

function unsound(place: string, what: string, cause?: unknown): BivdiffError {
  return new BivdiffError('failed-precondition', `tokenizer ${place}: ${what}`, {
    hint: "Copy the model's tokenizer folder again, with tokenizer.json or vocab.json and merges.txt.",
    ...(cause === undefined ? {} : { cause }),
  });
}
