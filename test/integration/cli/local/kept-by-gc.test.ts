// Goal: a collection leaves what the jobs of a farm need, by their state, and takes the rest. Method: the real coordinator and roots,
// memory store, scripted workers; a collection that spares nothing for its age.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findKeptJobs } from '../../../../cli/local/kept-by-gc.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Digest, JobId, Stage } from '../../../../common/task.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { createPlan, tasksOfStage } from '../../../../coordinator/domain/plan.ts';
import { finishedFrames } from '../../../../coordinator/jobs/finished-frames.ts';
import type { ActiveJob } from '../../../../coordinator/run/active-job.ts';
import { recordOf } from '../../../support/conformance/results.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const SUBMISSION = { name: '', priority: 0 };

describe('what the jobs of a farm need', () => {
  let store: ReturnType<typeof createMemoryStore>;
  let farm: CoordinatorHarness;

  beforeEach(() => {
    store = createMemoryStore();
    farm = new CoordinatorHarness({ store, conclude: putOutputs });
  });
  afterEach(async () => {
    await farm.close();
  });

  /** Writes what a collection reads of a manifest. */
  async function putOutputs({ jobId, graph }: ActiveJob): Promise<void> {
    const record = await store.getRecord(graph.plan.id({ node: 'assemble', index: 0 }));
    const manifest = { outputs: [{ artifacts: record!.outputs['file'] }] };
    await store.putDocument({ kind: 'manifest', id: jobId }, Buffer.from(JSON.stringify(manifest)));
  }

  /** Its source is a folder of one picture; it has a mask, too. */
  async function jobOf(seed: number): Promise<{ job: AcceptedJob; picture: Digest; mask: Digest }> {
    const picture = await store.putArtifact(Buffer.from(`picture ${seed}`));
    const listing = JSON.stringify({ files: [{ name: 'a.png', digest: picture }] });
    const digest = await store.putArtifact(Buffer.from(listing));
    const source = { kind: 'folder', digest, start: 0, stride: 1 } as const;
    const mask = await store.putArtifact(Buffer.from(`mask ${seed}`));
    const sources = { mask: { kind: 'video', digest: mask, isStill: true } } as const;
    return { job: acceptedJob({ seed, source, sources, frameBatch: 1 }), picture, mask };
  }

  async function collect(): Promise<void> {
    const kept = await findKeptJobs(store, []);
    await store.collectGarbage({
      keepRecords: (taskId) => kept.tasks.has(taskId),
      keepArtifacts: (digest) => kept.artifacts.has(digest),
      ...{ minAgeMs: 0, nowMs: Date.now() + 1_000, dryRun: false },
    });
  }

  async function resultsOf(job: AcceptedJob, stage: Stage): Promise<number> {
    const plan = createPlan(job);
    const ids = tasksOfStage(plan, stage).map((ref) => plan.id(ref));
    const found = await Promise.all(ids.map((id) => store.getRecord(id, { checkArtifacts: true })));
    return found.filter((record) => record !== undefined).length;
  }

  async function framesOf(jobId: JobId): Promise<readonly number[]> {
    const batches = await Array.fromAsync(finishedFrames(store, jobId));
    return batches.flatMap(({ frames }) => frames.map(({ frame }) => frame));
  }

  it('is the outputs of one that is done, until it is deleted', async () => {
    farm.addWorker('w');
    const { job, picture } = await jobOf(1);
    const { jobId } = await farm.coordinator.submit(job, SUBMISSION);
    await farm.until(jobId, 'done');
    const plan = createPlan(job);
    const record = await store.getRecord(plan.id({ node: 'assemble', index: 0 }));
    const video = record!.outputs['file']![0]!.digest;
    await collect();
    expect(await store.hasArtifact(video)).toBe(true);
    expect(await store.hasArtifact(picture)).toBe(false);
    expect(await resultsOf(job, 'decode')).toBe(0);
    await farm.coordinator.delete(jobId);
    await collect();
    expect(await store.hasArtifact(video)).toBe(false);
  });

  it('is the frames of windows drawn together, each once where windows overlap', async () => {
    farm.addWorker('w', ({ stage }) => {
      if (stage === 'assemble') throw new BivdiffError('invalid-argument', 'it cannot be');
    });
    const job = acceptedJob({ method: 'controlvideo', frames: 12 });
    const plan = createPlan(job);
    for (const ref of tasksOfStage(plan, 'generate')) {
      const { id: taskId, frames } = plan.task(ref);
      const pictures = frames.map(async (frame) => {
        const bytes = Buffer.from(`frame ${frame} of window ${ref.index}`);
        const digest = await store.putArtifact(bytes);
        return { digest, bytes: bytes.length, type: 'image/png' } as const;
      });
      await store.putRecord(recordOf('', await Promise.all(pictures), { taskId }));
    }
    const { jobId } = await farm.coordinator.submit(job, SUBMISSION);
    await farm.until(jobId, 'failed');
    await collect();
    expect(await resultsOf(job, 'generate')).toBe(2);
    const found = (await Array.fromAsync(finishedFrames(store, jobId))).flatMap(
      (batch) => batch.frames,
    );
    expect(found.map(({ frame }) => frame)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    // The second begins at frame 4.
    for (const [frame, window] of [
      [7, 0],
      [8, 1],
    ] as const) {
      const bytes = await store.getArtifact(found[frame]!.artifact.digest);
      expect(Buffer.from(bytes).toString()).toBe(`frame ${frame} of window ${window}`);
    }
    // From any frame on they are the same.
    for (let from = 0; from <= 12; from += 1) {
      const later = await Array.fromAsync(finishedFrames(store, jobId, from));
      expect(later.flatMap(({ frames }) => frames)).toEqual(found.slice(from));
      expect(later[0]).toMatchObject({ total: 12, first: 0, framesPerSecond: 8 });
    }
  });

  it('is the finished frames and the source of one that failed', async () => {
    farm.addWorker('w', ({ stage, frames }) => {
      if (stage === 'decode' && frames[0]! >= 5) {
        throw new BivdiffError('invalid-argument', 'it cannot be');
      }
    });
    const { job, picture, mask } = await jobOf(2);
    const { jobId } = await farm.coordinator.submit(job, SUBMISSION);
    await farm.until(jobId, 'failed');
    await collect();
    expect(await framesOf(jobId)).toEqual([0, 1, 2, 3, 4]);
    expect(await resultsOf(job, 'generate')).toBe(0);
    expect(await store.hasArtifact(picture)).toBe(true);
    expect(await store.hasArtifact(mask)).toBe(true);
    await farm.coordinator.delete(jobId);
    await collect();
    expect(await resultsOf(job, 'decode')).toBe(0);
    expect(await store.hasArtifact(picture)).toBe(false);
    expect(await store.hasArtifact(mask)).toBe(false);
  });

  it('is all of one that may go on', async () => {
    farm.addWorker('w', async ({ stage }) => {
      if (stage === 'smooth') await farm.coordinator.pause(jobId);
    });
    const { job, picture } = await jobOf(3);
    const { jobId } = await farm.coordinator.submit(job, SUBMISSION);
    await farm.until(jobId, 'paused');
    await collect();
    expect(await resultsOf(job, 'generate')).toBe(8);
    expect(await store.hasArtifact(picture)).toBe(true);
    // The same for a job that is named, of a farm or not.
    const named = await findKeptJobs(store, [jobId.slice(0, 10)]);
    expect(named.artifacts).toContain(picture);
  });
});
