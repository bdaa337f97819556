// The finished frames of a job on a farm, as pictures in a folder.

import { resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type { ArtifactRef } from '../../common/task.ts';
import type { OutputFile } from '../output/place-outputs.ts';
import type { FarmClient } from './farm-client.ts';
import { artifactRef } from './job-text.ts';

export interface FoundFrames {
  readonly output: OutputFile;
  readonly finished: number;
  readonly total: number;
}

/** All artifacts of a job's output. @throws not-found, failed-precondition */
export async function artifactsOfOutput(
  farm: FarmClient,
  jobId: string,
  layout: string,
): Promise<readonly ArtifactRef[]> {
  const artifacts: ArtifactRef[] = [];
  for await (const { frames } of farm.frames(jobId, { layout })) {
    for (const { artifact } of frames) if (artifact) artifacts.push(artifactRef(artifact));
  }
  return artifacts;
}

/** @throws failed-precondition — none is finished */
export async function findFrames(farm: FarmClient, job: Job, folder: string): Promise<FoundFrames> {
  const artifacts = [];
  const numbers: number[] = [];
  let total = 0;
  for await (const batch of farm.frames(job.id)) {
    ({ total } = batch);
    for (const { frame, artifact } of batch.frames) {
      if (artifact === undefined) continue;
      artifacts.push(artifactRef(artifact));
      numbers.push(frame);
    }
  }
  if (artifacts.length === 0) {
    throw new BivdiffError(
      'failed-precondition',
      `job ${job.id.slice(0, 12)} is ${job.state}: none of its ${total} frames is finished`,
      { hint: `bivdiff logs ${job.id.slice(0, 12)} tells what happened to it.` },
    );
  }
  const output: OutputFile = { kind: 'frames', path: resolve(folder), artifacts, numbers };
  return { output, finished: artifacts.length, total };
}
