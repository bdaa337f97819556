// A wall clock that tests may set, for the programs that are started with its environment. What measures durations is not touched.

import { execFile } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { BivdiffError } from '../../../common/errors.ts';

const SOURCE = join(import.meta.dirname, 'wall-clock.c');

export interface WallClock {
  /** For programs whose clock it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts the clock so many seconds before or after the right time, at once. */
  readonly set: (offsetSeconds: number) => Promise<void>;
}

/** @throws failed-precondition — no C compiler, or no glibc */
export async function createWallClock(folder: string): Promise<WallClock> {
  const library = join(folder, 'wall-clock.so');
  try {
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
  } catch (reason) {
    throw new BivdiffError('failed-precondition', `compiling ${SOURCE} failed`, {
      hint: 'Install a C compiler (Debian: gcc and libc6-dev); this works with glibc only.',
      cause: reason,
    });
  }
  const offsetFile = join(folder, 'clock-offset');
  await writeFile(offsetFile, Buffer.alloc(8));
  const set = async (offsetSeconds: number): Promise<void> => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(offsetSeconds));
    // In place: the programs have it mapped.
    const file = await open(offsetFile, 'r+');
    await file.write(bytes, 0, bytes.length, 0);
    await file.close();
  };
  return { env: { LD_PRELOAD: library, CLOCK_OFFSET_FILE: offsetFile }, set };
}
