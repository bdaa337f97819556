// What a render would take, from the manifests of earlier ones: sizes, models, slots and threads.

import { describe, expect, it } from 'vitest';

import { forecastRender } from '../../../../cli/local/forecast.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import { digestText } from '../../../../common/digest.ts';
import type { ModelSet } from '../../../../common/models/model-set.ts';
import { createPlan, countOfStage, stagesOf } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { jobIdOf } from '../../../../coordinator/domain/accept.ts';
import type { Manifest } from '../../../../coordinator/jobs/manifest.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { madeUpGenerator, madeUpModels } from '../../../support/made-up-models.ts';

type Changes = Parameters<typeof acceptedJob>[0];

/** A model set whose parts have the digests that the test's jobs name. */
function modelsOfJobs(): ModelSet {
  const { models } = acceptedJob();
  const made = madeUpModels(madeUpGenerator());
  const { image, videos } = made;
  const withDigest = <P extends object>(part: P, { digest }: { digest: string }) => ({
    ...part,
    digest,
  });
  return {
    ...made,
    generators: {
      canny: madeUpGenerator({
        unet: withDigest(madeUpGenerator().unet, models.controlUnet),
      }),
    },
    image: {
      ...image,
      unetInflated: withDigest(image.unetInflated!, models.inversionUnet),
      vaeEncoder: withDigest(image.vaeEncoder, models.vaeEncoder),
      vaeDecoder: withDigest(image.vaeDecoder, models.vaeDecoder),
    },
    videos: {
      short: { ...videos['short']!, unet: withDigest(videos['short']!.unet, models.videoUnet) },
    },
  };
}

/** Every stage took 10 s, 9 of them in graphs, in one slot of two threads. */
function manifestOf(changes: Changes): Manifest {
  const job = acceptedJob(changes);
  // Another planner's would be refused here.
  const plan = createPlan(acceptedJob());
  const stages = stagesOf(plan).map((stage) => {
    const tasks = countOfStage(plan, stage);
    return [stage, { tasks, run: tasks, reused: 0, seconds: 10, busySeconds: 9, units: 100 }];
  });
  return {
    ...{ kind: 'Manifest', jobId: jobIdOf(job), job, slots: { count: 1, threads: 2 } },
    ...{ stages: Object.fromEntries(stages) as Manifest['stages'], createdAt: '2026-01-01' },
  } as Manifest;
}

async function secondsOf(
  known: readonly Changes[],
  changes: Changes = {},
  { slots = 1, threads = 2 } = {},
): Promise<number | undefined> {
  const store = createMemoryStore();
  for (const earlier of known) {
    const manifest = manifestOf(earlier);
    const bytes = Buffer.from(JSON.stringify(manifest));
    await store.putDocument({ kind: 'manifest', id: manifest.jobId }, bytes);
  }
  const job = acceptedJob(changes);
  const graph = createTaskGraph(createPlan(job));
  const missing = Array.from({ length: graph.size }, (_, task) => task);
  const { secondsEstimated } = await forecastRender({
    accepted: { job, jobId: jobIdOf(job), models: modelsOfJobs() } as never,
    graph,
    survey: { found: new Map(), missing },
    wanted: missing,
    ...{ store, slots, threads, memoryBytes: 2 ** 33 },
  });
  return secondsEstimated;
}

const stages = stagesOf(createPlan(acceptedJob())).length;

describe('the seconds of a render', () => {
  it('are those of the same render', async () => {
    expect(await secondsOf([{}], { seed: 7 })).toBeCloseTo(10 * stages);
  });

  it('grow with its pixels', async () => {
    const small = (await secondsOf([{}]))!;
    const large = (await secondsOf([{}], { width: 256, height: 256 }))!;
    expect(large / small).toBeGreaterThan(3);
    expect(large / small).toBeLessThan(10);
    const back = await secondsOf([{ width: 256, height: 256 }], { width: 256, height: 256 });
    expect(back).toBeCloseTo(10 * stages);
  });

  it('are of its own models: others say nothing of them', async () => {
    const { models } = acceptedJob();
    const other = (name: string) => ({ name, digest: digestText(`other ${name}`) });
    const others = {
      ...models,
      ...{ controlUnet: other('a'), inversionUnet: other('b'), videoUnet: other('c') },
      ...{ vaeEncoder: other('d'), vaeDecoder: other('e') },
    };
    expect(await secondsOf([{ models: others }])).toBeUndefined();
    expect(await secondsOf([{ models: others }, {}])).toBeCloseTo(10 * stages);
  });

  it('are not known from renders on other processors, nor before any', async () => {
    const numerics = { ...acceptedJob().numerics, inference: 'cpu-other' };
    expect(await secondsOf([{ numerics }])).toBeUndefined();
    expect(await secondsOf([])).toBeUndefined();
  });

  it('pass over jobs of another planner, and of tasks that are not known here', async () => {
    const newer = { plannerRevision: 99 };
    const unknown = { task: 'unheard-of' } as never;
    expect(await secondsOf([newer])).toBeUndefined();
    const store = createMemoryStore();
    const manifest = { ...manifestOf({}), job: { ...acceptedJob(), ...(unknown as object) } };
    const bytes = Buffer.from(JSON.stringify(manifest));
    await store.putDocument({ kind: 'manifest', id: manifest.jobId }, bytes);
    const job = acceptedJob();
    const graph = createTaskGraph(createPlan(job));
    const { secondsEstimated } = await forecastRender({
      accepted: { job, jobId: jobIdOf(job), models: modelsOfJobs() } as never,
      ...{ graph, survey: { found: new Map(), missing: [0] }, wanted: [0] },
      ...{ store, slots: 1, threads: 2, memoryBytes: 2 ** 33 },
    });
    expect(secondsEstimated).toBe(0);
  });

  it('fall with more threads, and with more slots as far as tasks can run side by side', async () => {
    const one = (await secondsOf([{}]))!;
    const twice = (await secondsOf([{}], {}, { threads: 4 }))!;
    expect(twice / one).toBeGreaterThan(0.5);
    expect(twice / one).toBeLessThan(0.9);
    // 8 frames are two batches, and one window, which no second slot makes faster.
    const two = (await secondsOf([{}], {}, { slots: 2 }))!;
    expect(two / one).toBeGreaterThan(0.5);
    expect(two / one).toBeLessThan(1);
    const many = (await secondsOf([{}], {}, { slots: 64 }))!;
    expect(many).toBeGreaterThan(30);
  });
});
