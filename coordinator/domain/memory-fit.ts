// Whether a job fits into the memory that a task may fill, and if not, what is missing and which settings would fit: each is tried with the estimate. Pure.

import { BivdiffError } from '../../common/errors.ts';
import type { PartLookup } from '../../common/models/part-facts.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { graphUses, stageNeeds } from './stage-memory.ts';
import type { StageNeed } from './stage-memory.ts';

export interface Fit {
  readonly partOf: PartLookup;
  /** Of a lane. */
  readonly threads: number;
  /** Width and height are multiples of it. */
  readonly sizeMultiple: number;
  /** What a task of this stage may fill; undefined where that is not known. */
  readonly hasBytes: (need: StageNeed) => number | undefined;
  /** Tasks at once, which share it; absent where users do not choose them. */
  readonly slots?: number;
  /** Who could run it: `other-worker` where one with more may come. */
  readonly retry: 'never' | 'other-worker';
  /** Whose memory it is, for the error: say `a slot here`. */
  readonly whose: string;
  /** What would give it more memory: say `--memory-gib 8`. */
  readonly moreMemory: (need: StageNeed) => string;
}

const GIB = 2 ** 30;
/** Of the settings that would fit, so many are named. */
const NAMED_MAX = 4;

/** @throws resource-exhausted — a stage needs more than there is: which, how much of it is missing, and what would fit */
export function checkMemoryFit(job: AcceptedJob, fit: Fit): void {
  const short = shortages(job, fit);
  const [worst] = short.toSorted((a, b) => missing(b, fit) - missing(a, fit));
  if (worst === undefined) return;
  const { stage, graph, bytes } = worst;
  const has = fit.hasBytes(worst)!;
  const { loaded } = graph.memory;
  throw new BivdiffError(
    'resource-exhausted',
    `${stage} needs ${gib(bytes)} of memory (${graph.name}: ${gib(loaded)} loaded, ${gib(graph.leastRun)} for a run at ${job.width}x${job.height}), and ${fit.whose} has ${gib(has)}: ${gib(bytes - has)} are missing`,
    {
      retry: fit.retry,
      hint: `It would fit with ${fitting(job, worst, fit).join(', or ')}.`,
      details: { stage, model: graph.name, bytes, limit: has, missing: bytes - has },
    },
  );
}

function shortages(job: AcceptedJob, fit: Fit): readonly StageNeed[] {
  const needs = stageNeeds(graphUses(job, fit.partOf, fit.threads));
  return needs.filter((need) => missing(need, fit) > 0);
}

function missing(need: StageNeed, { hasBytes }: Fit): number {
  return need.bytes - (hasBytes(need) ?? Infinity);
}

/** Settings by any one of which the job would fit. */
function fitting(job: AcceptedJob, worst: StageNeed, fit: Fit): readonly string[] {
  const fits = (changed: AcceptedJob): boolean => shortages(changed, fit).length === 0;
  const found = [
    slotsThatFit(job, fit),
    sizeThatFits(job, fit, fits),
    ...(['window', 'frameBatch'] as const).map((setting) => countThatFits(job, setting, fits)),
  ].filter((text) => text !== undefined);
  return [...found.slice(0, NAMED_MAX), fit.moreMemory(worst)];
}

function slotsThatFit(job: AcceptedJob, fit: Fit): string | undefined {
  const { slots = 1, hasBytes } = fit;
  for (let fewer = slots - 1; fewer >= 1; fewer -= 1) {
    const share = {
      ...fit,
      hasBytes: (need: StageNeed) => ((hasBytes(need) ?? 0) * slots) / fewer,
    };
    if (shortages(job, share).length === 0) return `--slots ${fewer}`;
  }
  return undefined;
}

/** The largest of about the same shape. */
function sizeThatFits(
  job: AcceptedJob,
  { sizeMultiple }: Fit,
  fits: (job: AcceptedJob) => boolean,
): string | undefined {
  const { width, height } = job;
  for (let wide = width - sizeMultiple; wide >= sizeMultiple; wide -= sizeMultiple) {
    const high = Math.round((height * wide) / width / sizeMultiple) * sizeMultiple;
    if (high < sizeMultiple) return undefined;
    if (fits({ ...job, width: wide, height: high })) return `--size ${wide}x${high}`;
  }
  return undefined;
}

/** The largest; undefined if it changes nothing. */
function countThatFits(
  job: AcceptedJob,
  setting: 'window' | 'frameBatch',
  fits: (job: AcceptedJob) => boolean,
): string | undefined {
  const flag = setting === 'window' ? '--window' : '--frame-batch';
  for (let fewer = Math.min(job[setting], job.frames) - 1; fewer >= 1; fewer -= 1) {
    const { long } = job;
    const cut =
      long && setting === 'window'
        ? { long: { ...long, stride: Math.min(long.stride, fewer) } }
        : {};
    if (fits({ ...job, ...cut, [setting]: fewer })) return `${flag} ${fewer}`;
  }
  return undefined;
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(bytes < GIB / 10 ? 3 : 1)} GiB`;
}
