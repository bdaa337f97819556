// The ingest stage: frames of the source video, resized, as pictures in the store. Decoding happens in a media process.

import { BivdiffError } from '../../common/errors.ts';
import { aboutSource } from '../../common/sources/source-name.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { IngestParams } from '../../common/stages.ts';
import type { ArtifactRef, Task } from '../../common/task.ts';
import { BusyClock } from './busy-clock.ts';
import { storePicture } from './artifacts.ts';
import { sourceOfTask } from './source-cache.ts';
import type { RunTaskOptions, StageOutcome, StageRunnerOptions } from './stage-environment.ts';

/** Decodes the task's frames and stores one picture each. Errors say which source they are about: a job may have several. */
export async function ingestFrames(
  task: Task,
  options: StageRunnerOptions,
  run: RunTaskOptions,
): Promise<StageOutcome> {
  const stored = sourceOfTask(task);
  try {
    return await ingestFrom(stored, { task, options, run });
  } catch (reason) {
    if (!(reason instanceof BivdiffError) || reason.code === 'cancelled') throw reason;
    throw aboutSource(reason, stored.digest);
  }
}

interface Ingesting {
  readonly task: Task;
  readonly options: StageRunnerOptions;
  readonly run: RunTaskOptions;
}

async function ingestFrom(
  stored: StoredSource,
  { task, options, run }: Ingesting,
): Promise<StageOutcome> {
  const params = task.params as unknown as IngestParams;
  await using source = await options.sources.hold(stored);
  const begun = performance.now();
  const access = { store: options.store, codecs: new BusyClock() };
  const frames: ArtifactRef[] = [];
  const decoded = options.media.decode(
    {
      path: source.path,
      indices: params.sourceIndices,
      size: { width: params.width, height: params.height },
      resize: params.resize,
      keepAlpha: params.alpha === true,
    },
    run.signal === undefined ? {} : { signal: run.signal },
  );
  for await (const { rgb, channels } of decoded) {
    const { width, height } = params;
    frames.push(await storePicture(access, { rgb, channels, width, height }));
    run.onProgress?.(frames.length, params.sourceIndices.length);
  }
  return { outputs: { frames }, busySeconds: (performance.now() - begun) / 1000 };
}
