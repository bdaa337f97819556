// `bivdiff fetch --follow`: beside the place of the output a file grows that can be played, until the job is done and its own file is there.

import { rm, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';

import { BivdiffError } from '../../../common/errors.ts';
import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import type { FarmClient } from '../../farm/farm-client.ts';
import { checkEndings } from '../../farm/fetch-places.ts';
import type { FetchPlaces } from '../../farm/fetch-places.ts';
import { followFrames } from '../../farm/follow-frames.ts';
import { createFrameProgress } from '../../output/frame-progress.ts';
import type { FrameProgress } from '../../output/frame-progress.ts';
import type { CliEnvironment } from '../../terminal.ts';

export interface Followed {
  readonly job: Job;
  /** Removes the file that grew: the job's own is there. */
  discard(): Promise<void>;
}

export interface FollowOptions {
  /** Those of `--follow`: with an output and a file that grows. */
  readonly places: FetchPlaces;
  readonly overwrite: boolean;
  readonly environment: CliEnvironment;
}

/**
 * Waits for the job's end.
 * @throws cancelled — by Ctrl-C; the file that grew stays, with the frames that it has
 * @throws already-exists — something is there and shall stay: before anything is asked for
 * @throws invalid-argument — a name does not fit the job's format: before anything is written
 */
export async function followToEnd(
  farm: FarmClient,
  id: string,
  { places, overwrite, environment }: FollowOptions,
): Promise<Followed> {
  const output = places.files.output!;
  const path = places.growing!;
  if (!overwrite) await refuseExisting(output, path);
  await rm(path, { force: true });
  const { createMediaService } = await import('../../../workers/media/media-service.ts');
  const { stderr: terminal, clock } = environment;
  const signal = environment.interruption();
  const name = nearName(environment.folder, path);
  let progress: FrameProgress | undefined;
  await using media = createMediaService();
  const onFrame = (done: number, total: number): void => {
    if (progress === undefined) terminal.write(`what is finished can be played: ${name}\n`);
    progress ??= createFrameProgress({ terminal, clock, total });
    progress.update(done);
  };
  const { job, frames, total } = await followFrames({
    ...{ farm, id, path, media, signal, onFrame },
    checkFormat: (of) => {
      checkEndings(places, of);
    },
  }).finally(() => progress?.end());
  const has = `the first ${frames} of ${total} frames are in ${name}`;
  if (signal.aborted || job === undefined) {
    const what = frames === 0 ? 'nothing was written' : has;
    throw new BivdiffError('cancelled', `stopped; ${what}`, {
      hint: `The job goes on. bivdiff fetch ${id} --follow --output ${nearName(environment.folder, output)} --overwrite follows it again.`,
    });
  }
  if (job.state !== 'done' && frames > 0) terminal.write(`${has}\n`);
  return { job, discard: () => rm(path, { force: true }) };
}

/** @throws already-exists — at the place of the output, or of the file that grows */
async function refuseExisting(output: string, path: string): Promise<void> {
  for (const one of [output, path]) {
    const found = await stat(one).catch(() => undefined);
    if (found?.isDirectory() === true) {
      throw new BivdiffError('already-exists', `${one} is a folder that exists`, {
        hint: `A video wants a file name, such as ${join(basename(one), 'clip.mp4')}; --overwrite replaces the folder, if the job's format is one of pictures.`,
      });
    }
    if (found === undefined) continue;
    throw new BivdiffError('already-exists', `${one} exists`, {
      hint: 'Add --overwrite to replace it, or choose another name.',
    });
  }
}

function nearName(folder: string, path: string): string {
  const near = relative(folder, path);
  return near.startsWith('..') ? path : near;
}
