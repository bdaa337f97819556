// `bivdiff fetch --follow`: beside the place of the output a file grows that can be played, until the job is done and its own file is there.

import { rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';

import { BivdiffError } from '../../../common/errors.ts';
import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import type { FarmClient } from '../../farm/farm-client.ts';
import { followFrames } from '../../farm/follow-frames.ts';
import type { TypedFlags } from '../../flags/render-flags.ts';
import { createFrameProgress } from '../../output/frame-progress.ts';
import type { FrameProgress } from '../../output/frame-progress.ts';
import { checkPlaces } from '../../output/place-outputs.ts';
import type { CliEnvironment } from '../../terminal.ts';

export interface Followed {
  readonly job: Job;
  /** Removes the file that grew: the job's own is there. */
  discard(): Promise<void>;
}

/**
 * Waits for the job's end.
 * @throws cancelled — by Ctrl-C; the file that grew stays, with the frames that it has
 * @throws invalid-argument, already-exists — of the flags and of what is there, before anything is asked for
 */
export async function followToEnd(
  farm: FarmClient,
  id: string,
  { typed, environment }: { readonly typed: TypedFlags; readonly environment: CliEnvironment },
): Promise<Followed> {
  const { output, path } = await placesOf(typed, environment);
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

async function placesOf(typed: TypedFlags, environment: CliEnvironment) {
  const given = typed['output'];
  const problems: string[] = [];
  if (typeof given !== 'string') problems.push('--output is missing: where the video goes');
  if (typed['frames'] !== undefined) {
    problems.push('--frames: what is there now, and --follow waits for all; give one of them');
  }
  if (problems.length > 0 || typeof given !== 'string') {
    throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
  }
  const output = resolve(environment.folder, given);
  const path = growingName(output);
  await checkPlaces([output, path]);
  for (const one of [output, path]) {
    if (typed['overwrite'] === true) continue;
    if (!(await isThere(one))) continue;
    throw new BivdiffError('already-exists', `${one} exists`, {
      hint: 'Add --overwrite to replace it, or choose another name.',
    });
  }
  await rm(path, { force: true });
  return { output, path };
}

/** `out/clip.webm`: `out/clip.so-far.mp4`. */
export function growingName(output: string): string {
  const plain = output.replace(/\/$/, '');
  return join(dirname(plain), `${basename(plain, extname(plain))}.so-far.mp4`);
}

function nearName(folder: string, path: string): string {
  const near = relative(folder, path);
  return near.startsWith('..') ? path : near;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
