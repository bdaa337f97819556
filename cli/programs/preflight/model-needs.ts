// What a farm's models need of workers, by pool: the weights of the largest graph, since a lane makes room for one at a time. Reads model folders;
// knows nothing of stores or flags.

import { z } from 'zod';

import { BivdiffError } from '../../../common/errors.ts';
import { openModelSet } from '../../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../../common/models/model-set.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import { findSetFolders } from '../../../common/models/set-folders.ts';
import type { Pool } from '../../../common/task.ts';
import { formatBytes } from '../../output/format.ts';

const LARGEST = z.object({ model: z.string(), bytes: z.number() });

export const SET_NEEDS = z.object({
  /** Of the set, as users name it. */
  set: z.string(),
  /** The largest graph of each pool. */
  pools: z.record(z.string(), LARGEST),
});

export type SetNeeds = z.infer<typeof SET_NEEDS>;

/** @throws not-found — no such folder; as `openModelSet` */
export async function needsOfModels(folder: string): Promise<readonly SetNeeds[]> {
  const sets = await findSetFolders(folder).catch((reason: unknown) => {
    throw BivdiffError.from(reason, `--models: reading ${folder}`);
  });
  const needs: SetNeeds[] = [];
  for (const [set, path] of sets) {
    needs.push({ set, pools: needsOfSet(await openModelSet(path)) });
  }
  return needs;
}

function needsOfSet({ image, generators, annotators, videos }: ModelSet): SetNeeds['pools'] {
  const drawing = Object.values(generators).flatMap((one) => {
    return [one.unet, one.textEncoder, one.vaeEncoder, one.vaeDecoder];
  });
  const seeing = Object.values(annotators).map(({ model }) => model);
  const smoothing = Object.values(videos).flatMap(({ unet, textEncoder }) => [unet, textEncoder]);
  return {
    idm: largestOf([image.vaeEncoder, image.vaeDecoder, ...drawing, ...seeing]),
    mixer: largestOf([image.unetInflated ?? image.unet, image.textEncoder]),
    vdm: largestOf(smoothing),
  };
}

function largestOf(parts: readonly ModelPart[]): z.infer<typeof LARGEST> {
  const sized = parts.map(({ name, graph }) => ({
    model: name,
    bytes: graph === undefined ? 0 : readOnnxFile(graph).weightBytes,
  }));
  return sized.reduce((most, one) => (one.bytes > most.bytes ? one : most));
}

export interface WorkerMemory {
  readonly pools: readonly Pool[];
  /** Of one slot. */
  readonly memoryBytes: number;
}

/**
 * What of the farm's models the worker could not load, a line each. A worker that serves some of the sets is one that is needed.
 * @throws resource-exhausted — for one of its pools it could load the models of no set
 */
export function checkMemory(needs: readonly SetNeeds[], worker: WorkerMemory): readonly string[] {
  const { memoryBytes } = worker;
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const pool of worker.pools) {
    const tooLarge = needs.flatMap(({ set, pools }) => {
      const need = pools[pool];
      return need === undefined || need.bytes <= memoryBytes ? [] : [{ set, ...need }];
    });
    const lines = tooLarge.map(
      ({ set, model, bytes }) =>
        `pool ${pool}: ${model} of set ${set} has ${formatBytes(bytes)} of weights, and a slot of this worker has ${formatBytes(memoryBytes)}: ${formatBytes(bytes - memoryBytes)} are missing`,
    );
    if (tooLarge.length > 0 && tooLarge.length === needs.length) problems.push(...lines);
    else warnings.push(...lines);
  }
  if (problems.length === 0) return warnings;
  throw new BivdiffError('resource-exhausted', problems.join('; '), {
    hint: 'Give it a larger device, more of it (--memory-gib) or fewer slots.',
    details: { problems },
  });
}
