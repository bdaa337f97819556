// How much of a batch a lane runs at once: all of it, or where its memory is short as much as fits, by the estimate of what a run takes.

import { runBytes } from '../../../common/models/graph-memory.ts';
import type { GraphRole } from '../../../common/models/graph-memory.ts';
import type { JsonObject } from '../../../common/task.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GraphKind } from '../graph-kind.ts';
import type { Session } from '../ports.ts';
import { samplesOf } from './split-batch.ts';

export interface RunMemory {
  readonly samples: number;
  /** To run at once. */
  readonly samplesMax: number;
  /** That such a run takes besides the weights. */
  readonly bytes: number;
}

export interface RunFacts {
  readonly role: string;
  readonly kind: GraphKind | undefined;
  readonly config: JsonObject;
  /** Whether a lone sample would run as two. */
  readonly isPaired: boolean;
  /** Beside the graph's weights. */
  readonly roomBytes: number;
}

const ROLES: readonly GraphRole[] = ['unet', 'vae-encoder', 'vae-decoder'];
const REDUCTION = 8;

/** Where nothing is known of a graph its batch is left as it is, and takes nothing. */
export function runMemory(
  session: Pick<Session, 'inputs'>,
  feeds: Readonly<Record<string, Tensor>>,
  { role: name, kind, config, isPaired, roomBytes }: RunFacts,
): RunMemory {
  const role = ROLES.find((one) => one === name);
  const shape = feeds[role === 'vae-decoder' ? 'latent_sample' : 'sample']?.shape;
  if (role === undefined || shape === undefined) return { samples: 1, samplesMax: 1, bytes: 0 };
  const [batch = 1] = shape;
  const places = shape.slice(2).reduce((product, size) => product * size, 1);
  const pixels = role === 'vae-encoder' ? places / REDUCTION ** 2 : places;
  const controlnets = feeds['controlnet_conds']?.shape[0] ?? 0;
  const bytesOf = (samples: number): number =>
    runBytes({ role, config }, { samples, pixels, controlnets });
  const canSplit = kind?.hasBatch === true && kind.seesWhole !== true;
  const samples = canSplit ? (samplesOf(session, feeds) ?? 1) : 1;
  const least = isPaired ? 2 : 1;
  const fitting = Math.max(least, Math.floor(roomBytes / bytesOf(1)));
  if (samples === 1) return { samples, samplesMax: 1, bytes: bytesOf(Math.max(batch, least)) };
  const pieces = Math.ceil(samples / fitting);
  const samplesMax = Math.ceil(samples / pieces);
  return { samples, samplesMax, bytes: bytesOf(Math.max(samplesMax, least)) };
}
