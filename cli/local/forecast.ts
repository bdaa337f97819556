// What a render would cost: tasks to run, seconds by what earlier renders took, memory and disk by size.

import type { Store } from '../../common/store/ports.ts';
import type { ModelSet } from '../../common/models/model-set.ts';
import type { Stage } from '../../common/task.ts';
import { costUnits, secondsPerUnit } from '../../coordinator/domain/cost.ts';
import { countOfStage, stagesOf } from '../../coordinator/domain/plan.ts';
import type { MeasuredCost } from '../../coordinator/domain/cost.ts';
import type { TaskGraph, TaskNumber } from '../../coordinator/domain/task-graph.ts';
import type { Manifest } from '../../coordinator/jobs/manifest.ts';
import type { Survey } from '../../coordinator/run/survey.ts';
import type { Accepted, Forecast } from '../farm.ts';

/** Earlier renders that are looked at for their costs, the newest by name order. */
const MANIFESTS_MAX = 20;
/** A PNG of a frame is about this share of its raw bytes; photographs compress worse than drawings. */
const PNG_SHARE = 0.6;
/** Node, ONNX Runtime and a lane's code before any model is loaded, as `npm run bench` measures it. */
const BASE_BYTES = 300 * 2 ** 20;
const LANE_BYTES = 80 * 2 ** 20;

export interface ForecastFacts {
  readonly accepted: Accepted;
  readonly graph: TaskGraph;
  readonly survey: Survey;
  readonly wanted: readonly TaskNumber[];
  readonly store: Store;
  readonly slots: number;
}

export async function forecastRender(facts: ForecastFacts): Promise<Forecast> {
  const { graph, survey, accepted } = facts;
  const missing = new Map<Stage, number>();
  const units = new Map<Stage, number>();
  for (const task of survey.missing) {
    const stage = graph.stage(task);
    missing.set(stage, (missing.get(stage) ?? 0) + 1);
    units.set(stage, (units.get(stage) ?? 0) + costUnits(graph.plan, graph.ref(task)));
  }
  const tasks: Record<string, { total: number; inStore: number }> = {};
  for (const stage of stagesOf(graph.plan)) {
    const total = countOfStage(graph.plan, stage);
    tasks[stage] = { total, inStore: total - (missing.get(stage) ?? 0) };
  }
  return {
    jobId: accepted.jobId,
    tasks,
    secondsEstimated: await estimateSeconds(facts, units),
    memoryBytesEstimated: BASE_BYTES + facts.slots * (LANE_BYTES + modelBytes(accepted.models)),
    diskBytesEstimated: estimateDisk(facts, missing),
  };
}

async function estimateSeconds(
  facts: ForecastFacts,
  units: ReadonlyMap<Stage, number>,
): Promise<number | undefined> {
  const measured = await measuredCosts(facts.store, facts.accepted.job.numerics.inference);
  let seconds = 0;
  for (const [stage, amount] of units) {
    const rate = secondsPerUnit(stage, measured);
    if (rate === undefined) return undefined;
    seconds += rate * amount;
  }
  return seconds / facts.slots;
}

async function measuredCosts(
  store: Store,
  numericsClass: string,
): Promise<ReadonlyMap<Stage, MeasuredCost>> {
  const costs = new Map<Stage, MeasuredCost>();
  const names = await store.listDocuments('manifest');
  for (const name of names.slice(-MANIFESTS_MAX)) {
    const bytes = await store.getDocument(name);
    if (bytes === undefined) continue;
    const manifest = JSON.parse(Buffer.from(bytes).toString()) as Manifest;
    if (manifest.job.numerics.inference !== numericsClass) continue;
    for (const [stage, { seconds, units }] of Object.entries(manifest.stages)) {
      const sum = costs.get(stage as Stage) ?? { seconds: 0, units: 0 };
      costs.set(stage as Stage, { seconds: sum.seconds + seconds, units: sum.units + units });
    }
  }
  return costs;
}

function estimateDisk(facts: ForecastFacts, missing: ReadonlyMap<Stage, number>): number {
  const { width, height, frameBatch, window } = facts.accepted.job;
  const picture = width * height * 3 * PNG_SHARE;
  const latent = (width / 8) * (height / 8) * 4 * 4;
  const batches = (stages: readonly Stage[]): number =>
    stages.reduce((sum, stage) => sum + (missing.get(stage) ?? 0), 0);
  return Math.ceil(
    batches(['ingest', 'annotate', 'generate', 'decode']) * frameBatch * picture +
      batches(['encode']) * frameBatch * latent +
      batches(['invert-image', 'invert-video', 'mix', 'smooth']) * window * latent,
  );
}

/** Weights as a lane holds them: stored as float16, computed as float32. */
function modelBytes(models: ModelSet): number {
  const { image } = models;
  const video = models.videos[models.defaultVideo];
  const parts = [
    image.textEncoder,
    image.unet,
    ...Object.values(models.generators).map(({ unet }) => unet),
    image.vaeEncoder,
    image.vaeDecoder,
    ...(video === undefined ? [] : [video.textEncoder, video.unet]),
  ];
  return 2 * parts.reduce((sum, part) => sum + part.bytes, 0);
}
