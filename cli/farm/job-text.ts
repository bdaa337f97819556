// A farm's jobs for people, and between the wire's messages and the command line's own types.

import { resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { FailureJson } from '../../common/errors.ts';
import type { Failure } from '../../common/gen/bivdiff/v1/failure.ts';
import type { Artifact, Job } from '../../common/gen/bivdiff/v1/job.ts';
import type { LogLine } from '../../common/gen/bivdiff/v1/job_log.ts';
import { isSequence } from '../../common/outputs/output-formats.ts';
import type { ArtifactRef, Stage } from '../../common/task.ts';
import type { RenderProgress } from '../farm.ts';
import { formatSeconds } from '../output/format.ts';
import type { OutputFile } from '../output/place-outputs.ts';
import { shotStartsText } from '../output/shots-text.ts';
import { checkEndings } from './fetch-places.ts';
import type { FetchPlaces } from './fetch-places.ts';

/** One line about a job. */
export function jobLine(job: Job): string {
  const { id, state, name, priority, fraction, secondsLeft, failure, owner, waitingFor } = job;
  const parts = [id.slice(0, 12), state.padEnd(9), `${Math.round(fraction * 100)}%`.padStart(4)];
  if (state === 'done') parts.push(formatSeconds(job.seconds));
  if (secondsLeft !== undefined) parts.push(`${formatSeconds(secondsLeft)} left`);
  parts.push(`priority ${priority}`);
  if (owner !== '') parts.push(`of ${owner}`);
  if (name !== '') parts.push(name);
  if (waitingFor !== '') parts.push(`waits for ${waitingFor}`);
  if (failure !== undefined) parts.push(failure.message);
  return parts.join('  ');
}

/** All that is told of one job: its line, and where its shots begin if it has cuts. Each with its newline. */
export function jobText(job: Job): string {
  const { shots } = job;
  const told =
    shots === undefined ? '' : `shots  ${shotStartsText(shots.count, shots.firstFrames)}\n`;
  return `${jobLine(job)}\n${told}`;
}

/** One line of a job's log, with its newline. */
export function logText({ atMs, message }: LogLine): string {
  const at = new Date(atMs).toISOString().replace('T', ' ');
  return `${at}  ${message.replaceAll('\n', ' ')}\n`;
}

export function jobProgress({ stages, fraction, secondsLeft, waitingFor }: Job): RenderProgress {
  return {
    stages: stages.map((counts) => ({ ...counts, stage: counts.stage as Stage })),
    fraction,
    secondsLeft,
    ...(waitingFor === '' ? {} : { waitingFor }),
  };
}

/** Why a job failed. */
export function failureOfJob({ id, failure }: Job): BivdiffError {
  if (failure !== undefined) return BivdiffError.fromJSON(failureJson(failure));
  return new BivdiffError('internal', `job ${id.slice(0, 12)} failed, and nobody knows why`);
}

const FILE_OF_LAYOUT = {
  clip: 'output',
  comparison: 'comparison',
  'contact-sheet': 'contactSheet',
} as const;

/** Gives all artifacts of the output of a layout. */
export type ReadArtifacts = (layout: string) => Promise<readonly ArtifactRef[]>;

/**
 * What of a finished job goes to these places. `readArtifacts` is asked for what the job does not name itself.
 * @throws failed-precondition — the job is not done
 * @throws invalid-argument — it has no such output, it has another format than a name says, or no place is named
 */
export async function outputFiles(
  job: Job,
  places: FetchPlaces,
  readArtifacts: ReadArtifacts,
): Promise<OutputFile[]> {
  if (job.state !== 'done') {
    throw new BivdiffError(
      'failed-precondition',
      `job ${job.id.slice(0, 12)} is ${job.state}: it has no files yet`,
      {
        hint: `bivdiff watch ${job.id.slice(0, 12)} follows it; --frames DIR takes the frames that are finished.`,
      },
    );
  }
  const clip = job.outputs.find(({ layout }) => layout === 'clip');
  if (clip !== undefined) checkEndings(places, { id: job.id, format: clip.format });
  const files: OutputFile[] = [];
  const problems: string[] = [];
  for (const [layout, name] of Object.entries(FILE_OF_LAYOUT)) {
    const given = places.files[name];
    if (given === undefined) continue;
    const output = job.outputs.find((one) => one.layout === layout);
    const path = resolve(given);
    if (output === undefined) problems.push(`the job has no ${layout}: it was not asked for`);
    else if (isSequence(output.format)) {
      const isNamed = output.artifacts.length >= output.artifactCount;
      const artifacts = isNamed ? output.artifacts.map(artifactRef) : await readArtifacts(layout);
      files.push({ kind: 'frames', path, artifacts });
    } else files.push({ kind: 'artifact', path, artifact: artifactRef(output.artifacts[0]!) });
  }
  if (files.length === 0 && problems.length === 0) {
    problems.push('--output is missing: where the video goes');
  }
  if (problems.length > 0) {
    throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
  }
  return files;
}

export function artifactRef({ digest, bytes, type }: Artifact): ArtifactRef {
  return { digest, bytes, type } as ArtifactRef;
}

function failureJson(failure: Failure): FailureJson {
  const { code, message, retry, hint, detailsJson, cause } = failure;
  return {
    code,
    message,
    retry,
    ...(hint === '' ? {} : { hint }),
    details: detailsJson === '' ? {} : (JSON.parse(detailsJson) as Record<string, unknown>),
    ...(cause === undefined ? {} : { cause: failureJson(cause) }),
  } as FailureJson;
}
