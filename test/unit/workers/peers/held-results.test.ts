import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import type { Digest } from '../../../../common/task.ts';
import { HeldResults } from '../../../../workers/peers/held-results.ts';
import type { HeldResultsOptions } from '../../../../workers/peers/held-results.ts';

const SIZE = 1_000;
const bytesOf = (index: number): Uint8Array => new Uint8Array(SIZE).fill(index);
const FRAMES = 10;
const WHOLE = [{ offset: 0, count: FRAMES }];

let held: HeldResults;
let names: Digest[];
afterEach(() => held.close());

/** Holds the first `count`, and says which of them are there. */
async function hold(count: number, options: HeldResultsOptions): Promise<number[]> {
  held = new HeldResults(options);
  names = [];
  for (let i = 0; i < count; i += 1) names.push(await held.hold(bytesOf(i), FRAMES));
  return found(count);
}

async function found(count: number): Promise<number[]> {
  const there: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const bytes = await held.read(names[i]!, WHOLE);
    if (bytes === undefined) continue;
    expect(Buffer.concat(bytes.slices).equals(bytesOf(i))).toBe(true);
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
    await held.read(names[0]!, WHOLE);
    names.push(await held.hold(bytesOf(2), FRAMES));
    expect(await found(3)).toEqual([0, 2]);
  });

  it('leave no file behind', async () => {
    const before = await folders();
    await hold(8, { memoryBytesMax: SIZE, diskBytesMax: 9 * SIZE });
    expect(await folders()).toHaveLength(before.length + 1);
    await held.close();
    expect(await folders()).toEqual(before);
  });

  it('are read frame by frame, from memory and from files', async () => {
    const frames = Uint8Array.from({ length: SIZE }, (_, i) => i / (SIZE / FRAMES));
    for (const memoryBytesMax of [SIZE, 0]) {
      held = new HeldResults({ memoryBytesMax, diskBytesMax: SIZE });
      const name = await held.hold(frames, FRAMES);
      const runs = [
        { offset: 7, count: 2 },
        { offset: 1, count: 1 },
      ];
      const { slices } = (await held.read(name, runs))!;
      const seen = slices.map((slice) => [...new Set(slice)]);
      expect(seen).toEqual([[7, 8], [1]]);
      expect(slices.map(({ byteLength }) => byteLength)).toEqual([200, 100]);
      expect(await held.read(name, [{ offset: 9, count: 2 }])).toBeUndefined();
      expect(await held.read(name, [...WHOLE, ...WHOLE])).toBeUndefined();
      await held.close();
    }
  });

  it('are lost, and not given, where their file was changed in a frame that is read', async () => {
    await hold(1, { memoryBytesMax: 0, diskBytesMax: SIZE });
    const [folder] = (await folders()).slice(-1);
    const [file] = await readdir(join(tmpdir(), folder!));
    const path = join(tmpdir(), folder!, file!);
    const bytes = await readFile(path);
    bytes[SIZE - 1]! ^= 1;
    await writeFile(path, bytes);
    expect(await held.read(names[0]!, [{ offset: 0, count: 9 }])).toBeDefined();
    expect(await held.read(names[0]!, [{ offset: 9, count: 1 }])).toBeUndefined();
    expect(await held.read(names[0]!, [{ offset: 0, count: 9 }])).toBeUndefined();
  });

  it('are gone when they are dropped, and take no room', async () => {
    await hold(4, { memoryBytesMax: 2 * SIZE, diskBytesMax: 2 * SIZE });
    expect(held.bytes).toBe(4 * SIZE);
    for (const index of [0, 3]) held.drop(names[index]!);
    expect(await found(4)).toEqual([1, 2]);
    expect(held.bytes).toBe(2 * SIZE);
  });
});
