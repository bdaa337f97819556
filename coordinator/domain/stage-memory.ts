// What memory the stages of a job take: of each the graphs that it runs, with weights, size, batches and windows; and of one lane that runs them all, one
// after the other. Pure.

import { graphMemory } from '../../common/models/graph-memory.ts';
import type { GraphFacts, GraphMemory, GraphRole } from '../../common/models/graph-memory.ts';
import { TAKING_TURNS } from '../../common/models/graph-form.ts';
import type { GraphForm } from '../../common/models/graph-form.ts';
import { loneSampleNeedsPair } from '../../common/models/lone-sample.ts';
import type { PartFacts, PartLookup } from '../../common/models/part-facts.ts';
import { vaeFramesAtOnce } from '../../common/models/vae-frames.ts';
import type { Digest, Stage } from '../../common/task.ts';
import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { PlanNode } from '../../recipes/pipeline/plan-node.ts';
import { formsOf } from './graph-forms.ts';
import type { LoadedForm } from './graph-forms.ts';
import { drawingBranches } from './stage-work.ts';

/** One graph in one stage. */
export interface GraphUse {
  readonly stage: Stage;
  readonly part: Digest;
  /** What is made of it; absent where it runs as it is. */
  readonly form?: GraphForm;
  /** Present where it is only loaded by a lane that may fill so much. */
  readonly limitBytesMin?: number;
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
  partOf: PartLookup,
  threads: number,
): readonly GraphUse[] {
  const uses = new Map<string, GraphUse>();
  for (const node of nodesOf(job)) {
    for (const role of ROLES) {
      const digest = node.models[role];
      const facts = digest === undefined ? undefined : partOf(digest);
      if (digest === undefined || facts === undefined) continue;
      for (const use of usesOfPart({ node, role, digest, facts }, job, threads))
        uses.set(`${use.stage} ${keyOf(use)}`, use);
    }
  }
  return [...uses.values()];
}

interface PartInNode {
  readonly node: PlanNode;
  readonly role: GraphRole;
  readonly digest: Digest;
  readonly facts: PartFacts;
}

function usesOfPart(
  { node, role, digest, facts }: PartInNode,
  job: AcceptedJob,
  threads: number,
): readonly GraphUse[] {
  const { stage, models } = node;
  const { config, name } = facts;
  const { whole, least } = loadsOf({ role, stage, models }, job);
  const pair = !whole.isJoint && isPaired(role, config, { ...whole, threads });
  const samples = Math.max(least, pair ? Math.min(2, whole.samples) : 1);
  const forms: readonly LoadedForm[] = role === 'unet' ? formsOf(node, job, facts) : [facts];
  return forms.map(({ form, weightBytes, limitBytesMin }) => {
    // The others are fed no control pictures. What is shallow has the widest layers all the same.
    const isWhole = form === undefined || form === 'deep';
    const load = isWhole ? whole : { ...whole, controlnets: 0 };
    const graph = { role, config, weightBytes };
    return {
      ...{ stage, part: digest, name },
      ...(form && { form }),
      ...(limitBytesMin !== undefined && { limitBytesMin }),
      memory: graphMemory(graph, load),
      leastRun: graphMemory(graph, { ...load, samples }).run,
    };
  });
}

/** What is made of a graph is loaded beside it. */
function keyOf({ part, form }: Pick<GraphUse, 'part' | 'form'>): string {
  return form === undefined ? part : `${part} ${form}`;
}

/** Of each stage that runs graphs, in their order. */
export function stageNeeds(uses: readonly GraphUse[]): readonly StageNeed[] {
  const needs = new Map<Stage, StageNeed>();
  for (const graph of uses) {
    // A lane that has not as much does without.
    if (graph.limitBytesMin !== undefined) continue;
    const bytes = Math.ceil(graph.memory.loaded + graph.leastRun);
    const before = needs.get(graph.stage);
    if (before === undefined || bytes > before.bytes) {
      needs.set(graph.stage, { stage: graph.stage, graph, bytes });
    }
  }
  return [...needs.values()];
}

/**
 * The most that a lane takes in each stage, one after the other, which keeps what it has loaded as long as `limitBytes` allow. `isOneByOne`: a stage
 * begins when the one before it is done, and keeps nothing of it but what it needs itself.
 */
export function lanePeaks(
  uses: readonly GraphUse[],
  limitBytes: number,
  { isOneByOne = false } = {},
): ReadonlyMap<Stage, number> {
  const peaks = new Map<Stage, number>();
  /** Least recently used first. */
  const held = new Map<
    string,
    { readonly part: Digest; readonly loaded: number; readonly run: number }
  >();
  const heldBytes = (): number =>
    [...held.values()].reduce((sum, { loaded, run }) => sum + loaded + run, 0);
  for (const use of uses) {
    const { stage, memory, leastRun, limitBytesMin = 0 } = use;
    if (limitBytes < limitBytesMin) continue;
    if (isOneByOne) {
      const own = new Set(uses.filter((one) => one.stage === stage).map(({ part }) => part));
      for (const [other, { part }] of [...held]) if (!own.has(part)) held.delete(other);
    }
    const key = keyOf(use);
    const before = held.get(key);
    held.delete(key);
    const run = Math.max(
      before?.run ?? 0,
      Math.min(memory.run, Math.max(leastRun, roomBeside(use, uses, limitBytes))),
    );
    const evict = (bytes: number): void => {
      for (const other of [...held.keys()]) {
        if (heldBytes() + bytes <= limitBytes) return;
        held.delete(other);
      }
    };
    evict(memory.loaded);
    const loading = before === undefined ? heldBytes() + memory.loading : 0;
    evict(memory.loaded + run);
    held.set(key, { part: use.part, loaded: memory.loaded, run });
    peaks.set(stage, Math.ceil(Math.max(peaks.get(stage) ?? 0, loading, heldBytes())));
  }
  return peaks;
}

/** For its run, as a lane sees it (workers/inference/lanes/session-cache.ts). */
function roomBeside(use: GraphUse, uses: readonly GraphUse[], limitBytes: number): number {
  const together = uses.filter(({ stage, part, form }) => {
    return stage === use.stage && part === use.part && TAKING_TURNS.includes(form);
  });
  const sharing = TAKING_TURNS.includes(use.form) ? together : [use];
  const weights = sharing.reduce((sum, { memory }) => sum + memory.loaded, 0);
  return (limitBytes - weights) / sharing.length;
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
