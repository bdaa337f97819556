// A job's clip while it is being made: frames are taken as soon as they are finished, in order and without a gap, and become a file that can be
// played meanwhile. Memory does not grow with the clip: frames come one at a time.

import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { BivdiffError } from '../../common/errors.ts';
import { makeTemporaryFolder } from '../../common/files/temporary-folder.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type { Digest } from '../../common/task.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import { decodePng } from '../../workers/media/pixels/png.ts';
import type { FarmClient } from './farm-client.ts';

/** From one look at a job to the next. */
const LOOK_MS = 1_000;
/** How long a coordinator that has gone away is looked for. */
const AWAY_MS = 60_000;
const FAILED: ReadonlySet<string> = new Set(['failed', 'cancelled']);

export interface FollowedJob {
  readonly farm: Pick<FarmClient, 'get' | 'frames' | 'getArtifactFile'>;
  /** Or the first digits. */
  readonly id: string;
  /** Of the file that grows. Nothing is there. */
  readonly path: string;
  readonly media: Pick<MediaService, 'encode'>;
  /** Ends it: the file then has the frames that came until then. */
  readonly signal: AbortSignal;
  /** Refuses a format that is not to be followed, as soon as it is known and before anything is written; empty: it is not. */
  readonly checkFormat: (job: { readonly id: string; readonly format: string }) => void;
  readonly onFrame: (done: number, total: number) => void;
}

export interface FollowedFrames {
  /** As it was seen last; over, unless the signal ended it. Undefined: it was never seen. */
  readonly job: Job | undefined;
  /** Of so many frames that its outputs show. */
  readonly total: number;
  /** The file has so many of them; 0: there is no file. */
  readonly frames: number;
}

/** @throws unavailable — the coordinator has been away for a minute; and what reading, encoding and writing throw */
export async function followFrames(followed: FollowedJob): Promise<FollowedFrames> {
  const { path, media, onFrame } = followed;
  await using folder = await makeTemporaryFolder('frames');
  const seen: Seen = { job: undefined, total: 0, framesPerSecond: 0, format: '' };
  const pictures = finishedPictures(followed, seen, join(folder.path, 'frame'));
  const first = await pictures.next();
  if (first.done === true) return { ...seen, frames: 0 };
  let frames = 0;
  const pixels = async function* (): AsyncGenerator<Uint8Array> {
    let next: IteratorResult<RgbImage, void> = first;
    for (; next.done !== true; next = await pictures.next()) {
      yield next.value.rgb;
      frames += 1;
      onFrame(frames, seen.total);
    }
  };
  await mkdir(dirname(path), { recursive: true });
  const { width, height } = first.value;
  const { framesPerSecond } = seen;
  const file = { path, format: 'mp4', framesPerSecond, width, height, growing: true } as const;
  await media.encode(file, pixels());
  return { ...seen, frames };
}

/** What is known of the job so far. */
interface Seen {
  job: Job | undefined;
  total: number;
  framesPerSecond: number;
  format: string;
}

/** Until the job is done, has ended otherwise and has no more, or the signal says so. `file`: where each is put on its way. */
async function* finishedPictures(
  { farm, id, signal, checkFormat }: FollowedJob,
  seen: Seen,
  file: string,
): AsyncGenerator<RgbImage, void> {
  const isStopped = (): boolean => signal.aborted;
  let next: number | undefined;
  while (!isStopped()) {
    // Looked at before frames are asked for: of one that has ended no more will come.
    const job = (seen.job = await patiently(() => farm.get(id), signal));
    // Now there is a file of all of them.
    if (job.state === 'done') return;
    const run = await patiently(() => finishedRun(farm, job.id, { seen, next }), signal);
    checkFormat({ id: job.id, format: seen.format });
    for (const digest of run.digests) {
      if (isStopped()) return;
      await rm(file, { force: true });
      await patiently(() => farm.getArtifactFile(digest, file), signal);
      yield await decodePng(await readFile(file));
    }
    next = run.next;
    if (run.digests.length > 0) continue;
    if (FAILED.has(job.state)) return;
    await pause(signal);
  }
}

/** Frames that are finished from `next` on, as many as one message has, up to the first that is not. */
async function finishedRun(
  farm: FollowedJob['farm'],
  jobId: string,
  { seen, next }: { readonly seen: Seen; readonly next: number | undefined },
): Promise<{ readonly digests: readonly Digest[]; readonly next: number }> {
  for await (const batch of farm.frames(jobId, { start: next ?? 0 })) {
    const { first, total, framesPerSecond, format, frames } = batch;
    if (framesPerSecond === 0) {
      const message = 'the coordinator is of a version whose jobs cannot be followed';
      throw new BivdiffError('failed-precondition', message, { hint: 'Fetch without --follow.' });
    }
    Object.assign(seen, { total, framesPerSecond, format });
    let wanted = next ?? first;
    const digests: Digest[] = [];
    for (const { frame, artifact } of frames) {
      if (frame !== wanted || artifact === undefined) break;
      digests.push(artifact.digest as Digest);
      wanted += 1;
    }
    return { digests, next: wanted };
  }
  throw new BivdiffError('internal', 'the coordinator said nothing of the job’s frames');
}

/** Through restarts of the coordinator. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const untilMs = performance.now() + AWAY_MS;
  for (;;) {
    try {
      return await work();
    } catch (reason) {
      const error = BivdiffError.from(reason);
      const isAway = error.code === 'unavailable' && performance.now() < untilMs;
      if (!isAway || signal.aborted) throw error;
    }
    await pause(signal);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await delay(LOOK_MS, undefined, { signal }).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}
