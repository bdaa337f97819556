// Loads the models of whole sets into a worker's lanes before it takes tasks: it shall not be ready before it is quick.

import { BivdiffError } from '../../common/errors.ts';
import type { GraphForm } from '../../common/models/graph-form.ts';
import type { Generator, ModelPart, ModelSet } from '../../common/models/model-set.ts';
import type { PartLookup } from '../../common/models/part-facts.ts';
import type { Digest, Pool } from '../../common/task.ts';
import type { LanePool } from '../../workers/inference/lanes/lane-pool.ts';
import { partFactsOf } from '../../workers/inference/onnx/part-facts.ts';
import type { PreloadParams } from '../../workers/pipelines/preload.ts';
import type { Probes } from './http/probes.ts';
import type { Log } from './log.ts';
import { ModelLibrary } from './model-library.ts';

export interface PreloadSettings {
  /** Names of model sets; `NAME:fast` for jobs that use features again. */
  readonly sets: readonly string[];
  readonly modelsFolder?: string | undefined;
  readonly pools: readonly Pool[];
  readonly log: Log;
}

/** Behind a set's name: drawing and smoothing load what is made of their graphs, not these (docs/samplers.md). */
const FAST = ':fast';

/** A graph, or what is made of it, that tasks of a pool run. */
interface Loading {
  readonly part: ModelPart;
  readonly form?: GraphForm;
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
  const { loadings, bytes } = await loadingsOf(sets, modelsFolder, pools);
  const models = Object.fromEntries(loadings.map(({ part }) => [part.name, part]));
  const graphs = loadings.map(({ part, form }) => ({ role: part.name, ...(form && { form }) }));
  const params: PreloadParams = { graphs };
  const begunMs = performance.now();
  const job = { stage: 'preload', params, tensors: {}, frames: [], models };
  await lanes.runInEach(job, {
    signal,
    onProgress: (done, all) => {
      probes.unstarted = `loading models: a lane has ${done} of ${all}`;
    },
  });
  const loads = lanes.stats().loads.map(({ loadedBytes }) => loadedBytes);
  const seconds = Number(((performance.now() - begunMs) / 1000).toFixed(3));
  log.info({ sets, graphs: graphs.length, seconds }, 'worker has loaded its models');
  if (Math.min(...loads) < bytes)
    log.warn({ sets, bytes, loadedBytes: loads }, 'the models of --preload do not all fit');
}

/** What tasks of these pools load, that of each set by name; a part that two sets share once. `bytes`: of all weights, loaded. */
async function loadingsOf(
  sets: readonly string[],
  modelsFolder: string | undefined,
  pools: readonly Pool[],
): Promise<{ readonly loadings: readonly Loading[]; readonly bytes: number }> {
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
  const names = new Map<Digest, string>();
  const loadings = new Map<string, Loading>();
  let bytes = 0;
  for (const asked of sets) {
    const isFast = asked.endsWith(FAST);
    const set = await library.open(isFast ? asked.slice(0, -FAST.length) : asked);
    const partOf = partFactsOf(set);
    for (const { part, form } of graphsOf(set, pools, isFast ? partOf : undefined)) {
      const { digest } = part;
      const key = `${digest} ${form}`;
      if (loadings.has(key)) continue;
      const name = names.get(digest) ?? `${asked} ${part.name}`;
      names.set(digest, name);
      loadings.set(key, { part: { ...part, name }, ...(form && { form }) });
      const { weightBytes = 0, formBytes } = partOf(digest) ?? {};
      bytes += form === undefined ? weightBytes : (formBytes?.(form) ?? 0);
    }
  }
  return { loadings: [...loadings.values()], bytes };
}

/** `partOf`: where features shall be used again. */
function graphsOf(
  { image, generators, annotators, videos }: ModelSet,
  pools: readonly Pool[],
  partOf: PartLookup | undefined,
): readonly Loading[] {
  const whole = (part: ModelPart | undefined): readonly Loading[] => (part ? [{ part }] : []);
  const made = (part: ModelPart): readonly Loading[] => {
    const canCut = partOf?.(part.digest)?.formBytes('shallow') !== undefined;
    return (['deep', 'shallow'] as const).flatMap((form) => (canCut ? [{ part, form }] : []));
  };
  const drawing = ({ unet, method }: Generator): readonly Loading[] => {
    // A method of its own draws with whole graphs.
    const cut = method === undefined ? made(unet) : [];
    return cut.length > 0 ? cut : whole(unet);
  };
  const graphs: Readonly<Record<Pool, readonly (readonly Loading[])[]>> = {
    idm: [
      ...Object.values(annotators).map(({ model }) => whole(model)),
      ...Object.values(generators).flatMap((one) => [
        ...[whole(one.textEncoder), drawing(one)],
        ...[whole(one.vaeEncoder), whole(one.vaeDecoder)],
      ]),
      ...[whole(image.vaeEncoder), whole(image.vaeDecoder)],
    ],
    mixer: [whole(image.textEncoder), whole(image.unetInflated ?? image.unet)],
    // Inversions run whole graphs.
    vdm: Object.values(videos).flatMap(({ textEncoder, unet }) => [
      ...[whole(textEncoder), whole(unet), made(unet)],
    ]),
    any: [],
  };
  return pools.flatMap((pool) => graphs[pool]).flat();
}
