import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';

import { afterEach, describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { HeldResults } from '../../../../workers/peers/held-results.ts';
import type { HeldResultsOptions } from '../../../../workers/peers/held-results.ts';

const SIZE = 1_000;
const bytesOf = (index: number): Uint8Array => new Uint8Array(SIZE).fill(index);
const digestOf = (index: number) => digestText(String(index));

let held: HeldResults;
afterEach(() => held.close());

/** Holds the first `count`, and says which of them are there. */
async function hold(count: number, options: HeldResultsOptions): Promise<number[]> {
  held = new HeldResults(options);
  for (let i = 0; i < count; i += 1) held.hold(digestOf(i), bytesOf(i));
  return found(count);
}

async function found(count: number): Promise<number[]> {
  const there: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const bytes = await held.get(digestOf(i));
    if (bytes === undefined) continue;
    expect(Buffer.from(bytes).equals(bytesOf(i))).toBe(true);
    there.push(i);
  }
  return there;
}

async function folders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter(
    (name) => name.includes(`.${process.pid}.`) && name.startsWith('bivdiff-held-'),
  );
}

describe('held results', () => {
  it('are all there while they fit in memory, and make no file', async () => {
    const before = await folders();
    expect(await hold(4, { memoryBytesMax: 4 * SIZE, diskBytesMax: SIZE })).toEqual([0, 1, 2, 3]);
    expect(await folders()).toEqual(before);
  });

  it('go to files when memory is full, and are gone when these are full too: the oldest', async () => {
    expect(await hold(8, { memoryBytesMax: 2 * SIZE, diskBytesMax: 3 * SIZE })).toEqual([
      3, 4, 5, 6, 7,
    ]);
  });

  it('are gone at once where there may be no files', async () => {
    expect(await hold(3, { memoryBytesMax: 2 * SIZE, diskBytesMax: 0 })).toEqual([1, 2]);
  });

  it('keep what was used last', async () => {
    await hold(2, { memoryBytesMax: 2 * SIZE, diskBytesMax: 0 });
    await held.get(digestOf(0));
    held.hold(digestOf(2), bytesOf(2));
    expect(await found(3)).toEqual([0, 2]);
  });

  it('leave no file behind', async () => {
    const before = await folders();
    await hold(8, { memoryBytesMax: SIZE, diskBytesMax: 9 * SIZE });
    expect(await folders()).toHaveLength(before.length + 1);
    await held.close();
    expect(await folders()).toEqual(before);
  });
});
