// The tokenizer against ids that transformers' CLIPTokenizer gave for the same files (models/parity/tokenizer).

import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openTokenizer } from '../../../../workers/inference/tokenizer.ts';

interface Goldens {
  readonly prompts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
}

const PARITY = fileURLToPath(new URL('../../../../models/parity/tokenizer', import.meta.url));
const goldens = JSON.parse(await readFile(join(PARITY, 'goldens.json'), 'utf8')) as Goldens;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-tokenizer-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe.each([
  ['vocab.json and merges.txt alone, padded with the end token', 'sd1'],
  ['vocab.json and merges.txt alone, padded with "!"', 'sd2'],
  ['tokenizer.json', 'saved'],
])('a tokenizer folder with %s', (_, name) => {
  it.each(goldens.prompts.map((prompt, index) => [JSON.stringify(prompt.slice(0, 60)), index]))(
    "gives the reference's ids for %s",
    async (_, index) => {
      const tokenizer = await openTokenizer(join(PARITY, name));
      const ids = tokenizer.encode(goldens.prompts[index]!);
      expect(Array.from(ids, Number)).toEqual(goldens.ids[name]![index]);
    },
  );
});

describe('2,000 prompts at random', () => {
  // models/parity/tokenizer/many.py says how they are made, and how the ids of one become a digest.
  it.each(['sd1', 'sd2', 'saved'])('have the ids of the reference: %s', async (name) => {
    const many = JSON.parse(await readFile(join(PARITY, 'many.json'), 'utf8')) as Many;
    const tokenizer = await openTokenizer(join(PARITY, name));
    const digests = many.prompts.map((prompt) => digestOf(tokenizer.encode(prompt)));
    expect(digests).toEqual(many.digests[name]);
    expect(digests).toHaveLength(2000);
    expect(new Set(digests).size).toBeGreaterThan(1900);
  });
});

interface Many {
  readonly prompts: readonly string[];
  readonly digests: Readonly<Record<string, readonly string[]>>;
}

function digestOf(ids: BigInt64Array): string {
  return createHash('sha256').update(ids.join(',')).digest('hex').slice(0, 12);
}

describe('a tokenizer folder with byte order marks', () => {
  it.each(['sd1', 'saved'])('gives the ids that it gives without them: %s', async (name) => {
    for (const file of await readdir(join(PARITY, name))) {
      await writeFile(
        join(folder, file),
        `\uFEFF${await readFile(join(PARITY, name, file), 'utf8')}`,
      );
    }
    const tokenizer = await openTokenizer(folder);
    const ids = goldens.prompts.map((prompt) => Array.from(tokenizer.encode(prompt), Number));
    expect(ids).toEqual(goldens.ids[name]);
  });
});

describe.each(['sd1', 'sd2', 'saved'])('what the tokenizer %s cuts off', (name) => {
  const ones = (count: number): string => 'a '.repeat(count).trim();

  it('is nothing of 75 tokens, and begins with the first word that is not read as a whole', async () => {
    const { unread } = await openTokenizer(join(PARITY, name));
    expect(unread('')).toBe('');
    expect(unread(ones(75))).toBe('');
    expect(unread(`  ${ones(75)}\n`)).toBe('');
    expect(unread(ones(76))).toBe('a');
    expect(unread(`${ones(74)} zqxj, the  tail`)).toBe('zqxj, the  tail');
    expect(unread(`${ones(75)}\nΣίσυφος ends`)).toBe('Σίσυφος ends');
  });

  it('begins inside a word that is as long as a sentence', async () => {
    const { unread, encode } = await openTokenizer(join(PARITY, name));
    const text = '语'.repeat(100);
    const rest = unread(text);
    expect(text.startsWith(rest)).toBe(true);
    expect(rest.length).toBeGreaterThan(0);
    const read = text.slice(0, -rest.length);
    expect(read.length).toBeGreaterThan(0);
    // What is read fits, and one character more does not.
    expect(unread(read)).toBe('');
    expect(unread(`${read}语`)).not.toBe('');
    expect(encode(text).slice(0, 70)).toEqual(encode(read).slice(0, 70));
  });
});

it.each(goldens.prompts.map((prompt, index) => [JSON.stringify(prompt.slice(0, 60)), index]))(
  'what is not cut off is what the reference reads of %s',
  async (_, index) => {
    // This one pads with another token than the end's, so that the end shows.
    const { unread, encode } = await openTokenizer(join(PARITY, 'sd2'));
    const ids = (of: string): number[] => Array.from(encode(of), Number);
    const endId = ids('')[1]!;
    const text = goldens.prompts[index]!;
    const golden = goldens.ids['sd2']![index]!;
    const rest = unread(text);
    const own = ids(text.trimEnd().slice(0, text.trimEnd().length - rest.length));
    // Inside a word the tokens before the cut are others than those of the whole word.
    const unsure = /\s/.test(text) ? 0 : 5;
    const count = own.indexOf(endId) - unsure;
    expect(own.slice(0, count)).toEqual(golden.slice(0, count));
    // Where the reference has room left, nothing is cut off.
    expect(rest === '' || golden.at(-1) === endId).toBe(true);
  },
);

describe('a tokenizer folder that is not sound', () => {
  async function expectRefusal(message: RegExp): Promise<void> {
    const failed = openTokenizer(folder);
    await expect(failed).rejects.toMatchObject({
      code: 'failed-precondition',
      hint: expect.stringContaining('tokenizer.json or vocab.json and merges.txt') as string,
    });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow(folder);
  }

  it('is empty', async () => {
    await expectRefusal(/neither tokenizer\.json nor vocab\.json is there/);
  });

  it('lacks its merges', async () => {
    await cp(join(PARITY, 'sd1', 'vocab.json'), join(folder, 'vocab.json'));
    await expectRefusal(/neither tokenizer\.json nor merges\.txt is there/);
  });

  it('has a file that was cut off', async () => {
    await cp(join(PARITY, 'sd1'), folder, { recursive: true });
    await writeFile(join(folder, 'vocab.json'), '{"a": 1, "b"');
    await expectRefusal(/vocab\.json: it is not JSON/);
  });

  it('names a padding token that is not in its vocabulary', async () => {
    await cp(join(PARITY, 'sd1'), folder, { recursive: true });
    await writeFile(join(folder, 'special_tokens_map.json'), '{"pad_token": "<pad>"}');
    await expectRefusal(/the token <pad> is not in the vocabulary/);
  });
});
