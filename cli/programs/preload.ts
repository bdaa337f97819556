// Loads the models of whole sets into a worker's lanes before it takes tasks: it shall not be ready before it is quick.

import { BivdiffError } from '../../common/errors.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import type { Pool } from '../../common/task.ts';
import type { LanePool } from '../../workers/inference/lanes/lane-pool.ts';
import type { PreloadParams } from '../../workers/pipelines/preload.ts';
import type { Probes } from './http/probes.ts';
import type { Log } from './log.ts';
import { ModelLibrary } from './model-library.ts';

export interface PreloadSettings {
  /** Names of model sets. */
  readonly sets: readonly string[];
  readonly modelsFolder?: string | undefined;
  readonly pools: readonly Pool[];
  readonly log: Log;
}

/**
 * Loads them, in every lane. What does not fit beside the others is let go again, as it would be later.
 * @throws not-found — no such set here; failed-precondition — this worker has no folder of models; as a lane's run
 */
export async function preloadModels(
  { sets, modelsFolder, pools, log }: PreloadSettings,
  { lanes, probes, signal }: { lanes: LanePool; probes: Probes; signal: AbortSignal },
): Promise<void> {
  if (sets.length === 0) return;
  const parts = await partsOf(sets, modelsFolder, pools);
  const models = Object.fromEntries(parts.map((part) => [part.name, part]));
  const params: PreloadParams = { roles: Object.keys(models) };
  const begunMs = performance.now();
  const job = { stage: 'preload', params, tensors: {}, frames: [], models };
  await lanes.runInEach(job, {
    signal,
    onProgress: (done, all) => {
      probes.unstarted = `loading models: a lane has ${done} of ${all}`;
    },
  });
  const loaded = lanes.stats().loads.map(({ warm }) => Object.keys(warm).length);
  const seconds = Number(((performance.now() - begunMs) / 1000).toFixed(3));
  log.info({ sets, graphs: parts.length, seconds }, 'worker has loaded its models');
  if (Math.min(...loaded) < parts.length)
    log.warn({ sets, graphs: parts.length, loaded }, 'the models of --preload do not all fit');
}

/** The graphs that tasks of these pools run, those of each set by name; a part that two sets share once. */
async function partsOf(
  sets: readonly string[],
  modelsFolder: string | undefined,
  pools: readonly Pool[],
): Promise<readonly ModelPart[]> {
  if (modelsFolder === undefined) {
    throw new BivdiffError(
      'failed-precondition',
      '--preload: this worker has no models of its own',
      {
        hint: 'Give --models with the folder that holds these sets.',
      },
    );
  }
  const library = new ModelLibrary(modelsFolder);
  const parts = new Map<string, ModelPart>();
  for (const name of sets) {
    const set = await library.open(name);
    for (const part of graphsOf(set, pools)) {
      if (![...parts.values()].some(({ digest }) => digest === part.digest))
        parts.set(`${name} ${part.name}`, { ...part, name: `${name} ${part.name}` });
    }
  }
  return [...parts.values()];
}

function graphsOf(
  { image, generators, annotators, videos }: ModelSet,
  pools: readonly Pool[],
): ModelPart[] {
  const graphs: Readonly<Record<Pool, readonly (ModelPart | undefined)[]>> = {
    idm: [
      ...Object.values(annotators).map(({ model }) => model),
      ...Object.values(generators).flatMap((one) => {
        return [one.textEncoder, one.unet, one.vaeEncoder, one.vaeDecoder];
      }),
      ...[image.vaeEncoder, image.vaeDecoder],
    ],
    mixer: [image.textEncoder, image.unetInflated ?? image.unet],
    vdm: Object.values(videos).flatMap(({ textEncoder, unet }) => [textEncoder, unet]),
    any: [],
  };
  return pools.flatMap((pool) => graphs[pool]).filter((part) => part !== undefined);
}
