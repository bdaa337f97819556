// What a render would cost: tasks to run, seconds by what earlier renders took, memory and disk by size.

import type { Store } from '../../common/store/ports.ts';
import { partsOf } from '../../common/models/model-folder.ts';
import type { Stage } from '../../common/task.ts';
import { makespan } from '../../coordinator/domain/makespan.ts';
import { countOfStage, stagesOf } from '../../coordinator/domain/plan.ts';
import { runsOneByOne } from './idle-parts.ts';
import { graphUses, lanePeaks } from '../../coordinator/domain/stage-memory.ts';
import { stageRates } from '../../coordinator/domain/stage-rates.ts';
import type { PastStage } from '../../coordinator/domain/stage-rates.ts';
import { workOfJob } from '../../coordinator/domain/stage-work.ts';
import type { ConfigLookup } from '../../coordinator/domain/stage-work.ts';
import type { TaskGraph, TaskNumber } from '../../coordinator/domain/task-graph.ts';
import type { Manifest } from '../../coordinator/jobs/manifest.ts';
import type { Survey } from '../../coordinator/run/survey.ts';
import { canPlan } from '../../recipes/job.ts';
import { partFactsOf } from '../../workers/inference/onnx/part-facts.ts';
import type { Accepted, Forecast } from '../farm.ts';

/** Earlier renders that are looked at, in a store that has more any of them: about half a second of reading. */
const MANIFESTS_MAX = 1000;
/** A PNG of a frame is about this share of its raw bytes; photographs compress worse than drawings. */
const PNG_SHARE = 0.6;
/** The program with its libraries, what passes through it, and its lanes' code, before any model is loaded. */
const BASE_BYTES = 300 * 2 ** 20;
const LANE_BYTES = 30 * 2 ** 20;

export interface ForecastFacts {
  readonly accepted: Accepted;
  readonly graph: TaskGraph;
  readonly survey: Survey;
  readonly wanted: readonly TaskNumber[];
  readonly store: Store;
  readonly slots: number;
  /** Of each slot. */
  readonly threads: number;
  /** That models and their runs may fill, in all slots. */
  readonly memoryBytes: number;
}

export async function forecastRender(facts: ForecastFacts): Promise<Forecast> {
  const { graph, survey, accepted } = facts;
  const missing = new Map<Stage, number>();
  for (const task of survey.missing) {
    const stage = graph.stage(task);
    missing.set(stage, (missing.get(stage) ?? 0) + 1);
  }
  const tasks: Record<string, { total: number; inStore: number }> = {};
  for (const stage of stagesOf(graph.plan)) {
    const total = countOfStage(graph.plan, stage);
    tasks[stage] = { total, inStore: total - (missing.get(stage) ?? 0) };
  }
  return {
    jobId: accepted.jobId,
    tasks,
    secondsEstimated: await estimateSeconds(facts),
    ...estimateMemory(facts),
    diskBytesEstimated: estimateDisk(facts, missing),
  };
}

/** Of the whole process: as if every slot were at a stage's worst at once. */
function estimateMemory({
  accepted: { job, models },
  graph,
  slots,
  threads,
  memoryBytes,
}: ForecastFacts): Pick<Forecast, 'memoryBytesEstimated' | 'memoryBytesByStage'> {
  const uses = graphUses(job, partFactsOf(models), threads);
  const ofLanes = (bytes: number): number => BASE_BYTES + slots * (LANE_BYTES + bytes);
  const isOneByOne = runsOneByOne(graph.plan);
  const peaks = [...lanePeaks(uses, memoryBytes / slots, { isOneByOne })];
  return {
    memoryBytesEstimated: ofLanes(Math.max(0, ...peaks.map(([, bytes]) => bytes))),
    memoryBytesByStage: Object.fromEntries(peaks.map(([stage, bytes]) => [stage, ofLanes(bytes)])),
  };
}

/** Undefined while no render with these models is in the store. */
async function estimateSeconds(facts: ForecastFacts): Promise<number | undefined> {
  const { graph, survey, accepted, slots, threads } = facts;
  const { job } = accepted;
  const parts = new Map(partsOf(accepted.models).map(({ digest, config }) => [digest, config]));
  const configOf: ConfigLookup = (digest) => parts.get(digest);
  const works = workOfJob(job, configOf);
  const past = await pastStages(facts.store, { numericsClass: job.numerics.inference, configOf });
  const needed = new Set(survey.missing.map((task) => graph.stage(task)));
  const rates = stageRates(
    [...works.values()].filter(({ stage }) => needed.has(stage)),
    past,
    { pixels: job.width * job.height, threads },
  );
  if (rates === undefined) return undefined;
  return makespan(graph, survey.missing, {
    slots,
    secondsOf: (task) => {
      const stage = graph.stage(task);
      const work = works.get(stage)?.ofTask(graph.plan.framesRun(graph.ref(task))) ?? 0;
      return work * (rates.get(stage)?.secondsPerWork ?? 0);
    },
    firstSecondsOf: (stage) => rates.get(stage)?.firstSeconds ?? 0,
  });
}

interface PastFacts {
  readonly numericsClass: string;
  readonly configOf: ConfigLookup;
}

/** What the stages of earlier renders took, as far as they ran graphs that are at hand. */
async function pastStages(store: Store, facts: PastFacts): Promise<PastStage[]> {
  const past: PastStage[] = [];
  const names = await store.listDocuments('manifest');
  for (const name of names.slice(-MANIFESTS_MAX)) {
    const bytes = await store.getDocument(name);
    if (bytes === undefined) continue;
    const manifest = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
    const { job } = manifest;
    if (!canPlan(job) || job.numerics.inference !== facts.numericsClass) continue;
    past.push(...stagesOfManifest(manifest, facts.configOf));
  }
  return past;
}

function stagesOfManifest({ job, stages, slots, createdAt }: Manifest, configOf: ConfigLookup) {
  // Of a farm, whose workers differ, nothing is said: then as if by one slot of this machine.
  const { count, threads } = slots ?? { count: 1, threads: 1 };
  const past: PastStage[] = [];
  for (const { stage, graphs, total } of workOfJob(job, configOf).values()) {
    const figures = stages[stage];
    if (figures === undefined || figures.run === 0) continue;
    const { seconds, busySeconds, run, tasks } = figures;
    past.push({
      ...{ stage, graphs, seconds, busySeconds, threads, createdAt },
      work: (total * run) / tasks,
      pixels: job.width * job.height,
      slots: Math.min(count, run),
    });
  }
  return past;
}

function estimateDisk(facts: ForecastFacts, missing: ReadonlyMap<Stage, number>): number {
  const { width, height, frameBatch, window } = facts.accepted.job;
  const picture = width * height * 3 * PNG_SHARE;
  const latent = (width / 8) * (height / 8) * 4 * 4;
  const batches = (stages: readonly Stage[]): number =>
    stages.reduce((sum, stage) => sum + (missing.get(stage) ?? 0), 0);
  return Math.ceil(
    batches(['ingest', 'annotate', 'estimate', 'generate', 'decode', 'compose']) *
      frameBatch *
      picture +
      batches(['encode']) * frameBatch * latent +
      batches(['invert-image', 'invert-video', 'mix', 'smooth']) * window * latent,
  );
}
