// What memory the stages of a job take: of each the graphs that it runs, with weights, size, batches and windows; and of one lane that runs them all, one
// after the other. Pure.

import { graphMemory } from '../../common/models/graph-memory.ts';
import type { GraphFacts, GraphMemory, GraphRole } from '../../common/models/graph-memory.ts';
import { loneSampleNeedsPair } from '../../common/models/lone-sample.ts';
import { vaeFramesAtOnce } from '../../common/models/vae-frames.ts';
import type { Digest, Stage } from '../../common/task.ts';
import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { PlanNode } from '../../recipes/pipeline/plan-node.ts';
import { drawingBranches } from './stage-work.ts';

/** Undefined of a part that is not at hand. */
export type PartMemoryLookup = (
  part: Digest,
) => (Omit<GraphFacts, 'role'> & { readonly name: string }) | undefined;

/** One graph in one stage. */
export interface GraphUse {
  readonly stage: Stage;
  readonly part: Digest;
  /** Of the part, for people. */
  readonly name: string;
  readonly memory: GraphMemory;
  /** Of its run, where memory is short: with as few samples at once as its bits allow. */
  readonly leastRun: number;
}

/** What a stage's largest graph needs at least: loaded, and for its smallest run. */
export interface StageNeed {
  readonly stage: Stage;
  readonly graph: GraphUse;
  readonly bytes: number;
}

const ROLES: readonly GraphRole[] = [
  ...(['text-encoder', 'annotator', 'vae-encoder', 'unet', 'vae-decoder'] as const),
];
/** A latent stands for so many pixels along each side. */
const REDUCTION = 8;

/** The graphs of all stages, in the order in which they are run; those of parts that are not at hand are left out. `threads`: of a lane. */
export function graphUses(
  job: AcceptedJob,
  partOf: PartMemoryLookup,
  threads: number,
): readonly GraphUse[] {
  const uses = new Map<string, GraphUse>();
  for (const { stage, models } of nodesOf(job)) {
    for (const role of ROLES) {
      const digest = models[role];
      const part = digest === undefined ? undefined : partOf(digest);
      if (digest === undefined || part === undefined) continue;
      const { whole, least } = loadsOf({ role, stage, models }, job);
      const config = part.config;
      const pair = !whole.isJoint && isPaired(role, config, { ...whole, threads });
      const memory = graphMemory({ ...part, role }, whole);
      const samples = Math.max(least, pair ? Math.min(2, whole.samples) : 1);
      const leastRun = graphMemory({ ...part, role }, { ...whole, samples }).run;
      uses.set(`${stage} ${digest}`, {
        ...{ stage, part: digest, name: part.name },
        memory,
        leastRun,
      });
    }
  }
  return [...uses.values()];
}

/** Of each stage that runs graphs, in their order. */
export function stageNeeds(uses: readonly GraphUse[]): readonly StageNeed[] {
  const needs = new Map<Stage, StageNeed>();
  for (const graph of uses) {
    const bytes = Math.ceil(graph.memory.loaded + graph.leastRun);
    const before = needs.get(graph.stage);
    if (before === undefined || bytes > before.bytes) {
      needs.set(graph.stage, { stage: graph.stage, graph, bytes });
    }
  }
  return [...needs.values()];
}

/** The most that a lane takes in each stage, one after the other, which keeps what it has loaded as long as `limitBytes` allow. */
export function lanePeaks(
  uses: readonly GraphUse[],
  limitBytes: number,
): ReadonlyMap<Stage, number> {
  const peaks = new Map<Stage, number>();
  /** Least recently used first. */
  const held = new Map<Digest, { readonly loaded: number; readonly run: number }>();
  const heldBytes = (): number =>
    [...held.values()].reduce((sum, { loaded, run }) => sum + loaded + run, 0);
  for (const { stage, part, memory, leastRun } of uses) {
    const before = held.get(part);
    held.delete(part);
    const run = Math.max(
      before?.run ?? 0,
      Math.min(memory.run, Math.max(leastRun, limitBytes - memory.loaded)),
    );
    const evict = (bytes: number): void => {
      for (const digest of [...held.keys()]) {
        if (heldBytes() + bytes <= limitBytes) return;
        held.delete(digest);
      }
    };
    evict(memory.loaded);
    const loading = before === undefined ? heldBytes() + memory.loading : 0;
    evict(memory.loaded + run);
    held.set(part, { loaded: memory.loaded, run });
    peaks.set(stage, Math.ceil(Math.max(peaks.get(stage) ?? 0, loading, heldBytes())));
  }
  return peaks;
}

interface Loads {
  readonly whole: {
    readonly samples: number;
    readonly pixels: number;
    readonly frames: number;
    readonly controlnets?: number;
    /** Its samples see each other, so they are run together. */
    readonly isJoint: boolean;
  };
  /** Samples that are run together at least. */
  readonly least: number;
}

function loadsOf(
  { role, stage, models }: Pick<PlanNode, 'stage' | 'models'> & { readonly role: GraphRole },
  job: AcceptedJob,
): Loads {
  const pixels = (job.width / REDUCTION) * (job.height / REDUCTION);
  const window = Math.min(job.window, job.frames);
  const isWindow = 'method' in job;
  const batch = Math.min(isWindow && stage === 'generate' ? window : job.frameBatch, job.frames);
  const one = { samples: 1, pixels, frames: 1, isJoint: false };
  const alone = (samples: number): Loads => ({ whole: { ...one, samples }, least: 1 });
  const together = (whole: Partial<Loads['whole']>): Loads => {
    const joint = { ...one, ...whole, isJoint: true };
    return { whole: joint, least: joint.samples };
  };
  const clip = (samples: number): Loads => ({
    whole: { ...one, samples, pixels: window * pixels, frames: window },
    least: 1,
  });
  if (role === 'vae-encoder' || role === 'vae-decoder') {
    return alone(Math.min(batch, vaeFramesAtOnce(job.width * job.height)));
  }
  if (role !== 'unet') return alone(1);
  const isFrameWise =
    job.normScope === 'frame' || models['unet'] !== job.models.inversionUnet.digest;
  switch (stage) {
    case 'invert-image':
      return isFrameWise ? alone(window) : together({ pixels: window * pixels });
    case 'invert-video':
      return clip(1);
    case 'smooth':
      return clip(job.videoGuidanceScale === 1 ? 1 : 2);
    default: {
      const controlnets = job.task === 'controlnet' ? controlsIn(job) : 0;
      const branches = drawingBranches(job);
      if (isWindow) return together({ samples: batch, controlnets });
      if (job.task === 'prompt-to-prompt') return together({ samples: batch * branches });
      const { whole, least } = alone(batch * branches);
      return { whole: { ...whole, controlnets }, least };
    }
  }
}

function controlsIn(job: AcceptedJob): number {
  return 'controls' in job && Array.isArray(job.controls) ? job.controls.length : 1;
}

function isPaired(
  role: GraphRole,
  config: GraphFacts['config'],
  { pixels, frames, threads }: Loads['whole'] & { readonly threads: number },
): boolean {
  if (role !== 'unet' && role !== 'vae-encoder' && role !== 'vae-decoder') return false;
  return loneSampleNeedsPair(config, {
    pixels: role === 'vae-encoder' ? pixels * REDUCTION ** 2 : pixels,
    isHalved: role !== 'vae-decoder',
    ...{ frames, threads },
  });
}
