// Damage drawn from a seed, and what reading damaged files must come to: pictures, or one clear error; never the end of the program
// that asked. Files live for one try, so nothing that a library cannot stand is kept.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { BivdiffError } from '../../../common/errors.ts';
import { createMediaService } from '../../../workers/media/media-service.ts';
import { createRandom, pick, type Random } from '../random.ts';

/** Copies with some bytes changed, lost, doubled or made extreme. */
function damaged(sound: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(sound);
  const place = (): number => Math.floor(random() * bytes.length);
  const kinds = [
    () => {
      for (let i = 0; i < 1 + random() * 20; i++) bytes[place()] = Math.floor(random() * 256);
    },
    () => {
      const at = place();
      bytes.fill(
        Math.floor(random() * 256),
        at,
        Math.min(bytes.length, at + 1 + Math.floor(random() * 200)),
      );
    },
    () => void (bytes = bytes.subarray(0, place())),
    () => {
      const [from, to] = [place(), place()];
      bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    },
    () => {
      // Sizes, counts and offsets are such numbers.
      const value = pick(random, [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0]);
      if (bytes.length > 8) bytes.writeUInt32BE(value, Math.floor(random() * (bytes.length - 4)));
    },
  ];
  for (let i = 0; i < 1 + random() * 3; i++) pick(random, kinds)();
  return bytes;
}

export interface FuzzResult {
  readonly files: number;
  readonly read: number;
  readonly refused: number;
  /** Times that the reading process died or was killed; each was one error to who asked. */
  readonly deaths: number;
  readonly surprises: readonly string[];
  readonly peakBytes: number;
}

/** So long a reader may say nothing before it is killed, which is an answer too. */
const SILENCE_MS = 10_000;
const FRAMES = 6;

/** Reads damaged copies of the sources, in turn. */
export async function readDamaged(
  sources: readonly string[],
  options: { readonly seed: number; readonly files: number; readonly folder: string },
): Promise<FuzzResult> {
  const random = createRandom(options.seed);
  const sound = await Promise.all(sources.map(async (source) => readFile(source)));
  const surprises: string[] = [];
  let [read, refused, deaths, peakBytes] = [0, 0, 0, 0];
  await using media = createMediaService({ silenceMs: SILENCE_MS });
  for (let file = 0; file < options.files; file++) {
    const at = file % sources.length;
    const name = path.join(options.folder, `damaged-${file % 4}${path.extname(sources[at]!)}`);
    await writeFile(name, damaged(sound[at]!, random));
    try {
      const { frames } = await media.probe(name);
      const indices = [...Array(Math.min(frames, FRAMES)).keys()];
      const request = {
        path: name,
        indices,
        size: { width: 32, height: 32 },
        resize: 'stretch',
      } as const;
      for await (const { rgb } of media.decode(request)) {
        if (rgb.length !== 32 * 32 * 3)
          surprises.push(`file ${file}: a frame of ${rgb.length} bytes`);
      }
      read++;
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (/process died|no answer/.test(error.message)) deaths++;
      if (isClear(error, path.basename(name))) refused++;
      else surprises.push(`file ${file} of ${path.basename(sources[at]!)}: ${error.message}`);
    }
    peakBytes = Math.max(peakBytes, ...(await Promise.all(media.processIds.map(residentBytes))));
  }
  return { files: options.files, read, refused, deaths, surprises, peakBytes };
}

const REFUSALS = new Set(['invalid-argument', 'resource-exhausted', 'deadline-exceeded']);

/** Names the file, says what to do, and is of a kind that is not tried again. */
function isClear(error: BivdiffError, name: string): boolean {
  return REFUSALS.has(error.code) && error.message.includes(name) && error.hint !== undefined;
}

async function residentBytes(processId: number): Promise<number> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
}
