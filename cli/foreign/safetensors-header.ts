// Reads what a safetensors file says of its tensors: 8 bytes of length, then JSON. Knows nothing of models.

import { open } from 'node:fs/promises';

import { COPY_AGAIN } from './foreign.ts';
import type { ForeignProblem } from './foreign.ts';

export interface SafetensorsHeader {
  /** Name to shape. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Headers of the largest models have a few MiB; a file of another kind shall not fill memory. */
const HEADER_BYTES_MAX = 100 << 20;
const LFS_POINTER = 'version https://git-lfs';

/** Why a file of weights of any kind cannot be what it should be: absent bytes, or a pointer to them. */
export async function pointerProblem(path: string): Promise<ForeignProblem | undefined> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(LFS_POINTER.length));
  if (bytesRead === 0) return { path, problem: 'is empty', hint: COPY_AGAIN };
  if (buffer.toString('latin1') !== LFS_POINTER) return undefined;
  return {
    path,
    problem: 'is a pointer of Git LFS, not the weights',
    hint: '`git lfs pull` in its repository fetches them; or download the file.',
  };
}

/** The header, or what is wrong with the file. */
export async function readSafetensors(path: string): Promise<SafetensorsHeader | ForeignProblem> {
  const pointer = await pointerProblem(path);
  if (pointer !== undefined) return pointer;
  await using file = await open(path);
  const { size } = await file.stat();
  const { buffer: length, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  const bytes = bytesRead === 8 ? length.readBigUInt64LE() : BigInt(size);
  if (bytes > BigInt(Math.min(size - 8, HEADER_BYTES_MAX))) return noSafetensors(path);
  const header = Buffer.alloc(Number(bytes));
  await file.read(header, 0, header.length, 8);
  const entries = entriesOf(header.toString());
  if (entries === undefined) return noSafetensors(path);
  const needed = 8 + header.length + Math.max(0, ...entries.map(({ end }) => end));
  if (size < needed) {
    const problem = `was cut off: it has ${String(size)} bytes of ${String(needed)}`;
    return { path, problem, hint: COPY_AGAIN };
  }
  return { shapes: new Map(entries.map(({ name, shape }) => [name, shape])) };
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Where its data ends, from the end of the header. */
  readonly end: number;
}

function entriesOf(text: string): readonly Entry[] | undefined {
  try {
    const tensors = Object.entries(JSON.parse(text) as Record<string, RawEntry>);
    return tensors
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            shape,
            data_offsets: [, end],
          },
        ]) => ({
          name,
          shape,
          end,
        }),
      );
  } catch {
    return undefined;
  }
}

interface RawEntry {
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function noSafetensors(path: string): ForeignProblem {
  return { path, problem: 'is no safetensors file, or was cut off', hint: COPY_AGAIN };
}
