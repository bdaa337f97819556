// Lanes with real threads and real graphs: results, and the main thread's freedom. The stages are those of
// test/support/models/test-lane.ts.

import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

import { LANE_ENTRY } from '../../../../recipes/lane-entry.ts';
import { openModelSet } from '../../../../common/models/model-folder.ts';
import type { Digest } from '../../../../common/task.ts';
import type { LaneModel } from '../../../../workers/inference/lanes/lane-job.ts';
import { createLanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import type { LanePool, LanePoolOptions } from '../../../../workers/inference/lanes/lane-pool.ts';
import { elementCount, floatTensor } from '../../../../workers/tensor/tensor.ts';
import {
  addJob,
  bareJob,
  holdJob,
  openTestPool,
  row,
  slowJob,
} from '../../../support/models/lane-jobs.ts';

const TOKENIZER = fileURLToPath(
  new URL('../../../../models/parity/tokenizer/sd1', import.meta.url),
);
const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));

let pool: LanePool;
const open = (options?: Partial<LanePoolOptions>): LanePool => (pool = openTestPool(options));

afterEach(async () => {
  await pool.close();
});

describe('a lane pool', () => {
  it("runs a stage's body and gives back its outputs and times", async () => {
    const result = await open().run(addJob(row(1, 2), row(10, 20)));
    expect(result.outputs).toEqual({ sum: row(11, 22) });
    expect(result.busySeconds).toBeGreaterThan(0);
    expect(result.seconds).toBeGreaterThan(result.busySeconds);
  });

  it('moves tensors in and out, and shares those in shared memory', async () => {
    const moved = row(1, 2, 3);
    const shared = floatTensor([1, 3], new Float32Array(new SharedArrayBuffer(12)));
    shared.data.set([4, 5, 6]);
    const { outputs } = await open().run(addJob(moved, shared));
    expect(outputs['sum']).toEqual(row(5, 7, 9));
    expect(moved.data.length).toBe(0);
    expect([...shared.data]).toEqual([4, 5, 6]);
  });

  it('copies a tensor that is a part of a larger buffer, and one that is there twice', async () => {
    const buffer = Float32Array.of(0, 1, 2, 3);
    const part = floatTensor([1, 3], buffer.subarray(1));
    const { outputs } = await open().run({ ...bareJob('echo'), tensors: { x: part } });
    expect(outputs).toEqual({ whole: row(1, 2, 3), again: row(1, 2, 3), part: row(1, 2, 3) });
    expect([...buffer]).toEqual([0, 1, 2, 3]);
  });

  it('gives the body its parameters, frames, configs, tokenizers and a memo', async () => {
    const words: LaneModel = {
      name: 'words',
      digest: 'words' as Digest,
      folder: TOKENIZER,
      config: { key: 'value' },
    };
    const job = { ...bareJob('look', { words }), params: { p: 1 }, frames: [3, 4] };
    const { outputs } = await open().run(job);
    const facts = new TextDecoder().decode(outputs['facts']?.data);
    expect(JSON.parse(facts)).toEqual({
      params: { p: 1 },
      frames: [3, 4],
      made: 1,
      config: { key: 'value' },
    });
    expect(outputs['ids']?.data.length).toBe(77);
  });

  it('tells progress step by step', async () => {
    const steps: string[] = [];
    await open().run(slowJob({ steps: 3, roundsPerStep: 10 }), {
      onProgress: (step, all) => steps.push(`${String(step)}/${String(all)}`),
    });
    expect(steps).toEqual(['1/3', '2/3', '3/3']);
  });

  it('gives equal bits with one thread a lane and with two', async () => {
    const one = await open({ threadsPerLane: 1 }).run(slowJob());
    await pool.close();
    const two = await open({ threadsPerLane: 2 }).run(slowJob());
    expect(two.outputs).toEqual(one.outputs);
  });

  it('gives equal bits for a lone sample of the shipped video UNet, with any threads', async () => {
    const { videos, defaultVideo } = await openModelSet(DEMO, { cacheFolder: false });
    const ramp = (...shape: number[]) => {
      const length = elementCount(shape);
      return floatTensor(
        shape,
        Float32Array.from({ length }, (_, i) => Math.sin(i / 7)),
      );
    };
    const outputs: unknown[] = [];
    for (const threadsPerLane of [1, 2, 4]) {
      const { unet } = videos[defaultVideo]!;
      const width = Number(unet.config['cross_attention_dim']);
      const result = await open({ threadsPerLane }).run({
        ...bareJob('smooth', { unet }),
        tensors: {
          sample: ramp(1, 4, 8, 16, 16),
          timestep: floatTensor([], Float32Array.of(321)),
          encoder_hidden_states: ramp(1, 77, width),
        },
      });
      outputs.push(result.outputs);
      await pool.close();
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
  });

  it('runs two lanes at one time', async () => {
    open({ lanes: 2 });
    const spans = await Promise.all(
      [0, 1].map(async () => {
        let firstMs = 0;
        await pool.run(slowJob({ steps: 6 }), {
          onProgress: (step) => {
            if (step === 1) firstMs = performance.now();
          },
        });
        return { firstMs, lastMs: performance.now() };
      }),
    );
    const [a, b] = spans;
    expect(Math.max(a!.firstMs, b!.firstMs)).toBeLessThan(Math.min(a!.lastMs, b!.lastMs));
  });

  it('leaves the main thread free while all lanes work', async () => {
    open({ lanes: 2 });
    const held = [holdJob(), holdJob()];
    const begun = held.map(() => Promise.withResolvers<undefined>());
    const runs = held.map(({ job }, lane) =>
      pool.run(job, { onProgress: () => begun[lane]!.resolve(undefined) }),
    );
    const turnBetween = async (): Promise<void> => {
      await Promise.all(begun.map(({ promise }) => promise));
      // Both bodies hold the threads that they run on: were one of them the main thread, it would not come here.
      for (let turn = 0; turn < 100; turn += 1) await setImmediate();
      expect(pool.stats().busy).toBe(2);
      for (const { open: openGate } of held) openGate();
    };
    const [results] = await Promise.all([Promise.all(runs), turnBetween()]);
    expect(results.map(({ outputs }) => outputs)).toEqual([{}, {}]);
  });

  it('gives a job to the free lane that has its models loaded', async () => {
    open({ lanes: 2 });
    await Promise.all([pool.run(slowJob({ steps: 2 })), pool.run(addJob(row(1), row(2)))]);
    for (let i = 0; i < 3; i += 1) {
      await pool.run(slowJob({ roundsPerStep: 1 }));
      await pool.run(addJob(row(1), row(2)));
    }
    const warm = pool.stats().loads.map((load) => Object.keys(load.warm));
    expect(warm.toSorted()).toEqual([['adder'], ['slow']]);
  });

  it('queues jobs when its lanes are busy, and refuses more than it may queue', async () => {
    open({ queueMax: 1 });
    const runs = [pool.run(slowJob()), pool.run(addJob(row(1), row(2)))];
    expect(pool.stats()).toMatchObject({ lanes: 1, busy: 1, queued: 1 });
    await expect(pool.run(addJob(row(1), row(2)))).rejects.toMatchObject({
      code: 'resource-exhausted',
      retry: 'same-worker',
    });
    await Promise.all(runs);
    expect(pool.stats()).toMatchObject({ busy: 0, queued: 0 });
  });
});

describe("the product's own lane", () => {
  it('runs its stages', async () => {
    const { image } = await openModelSet(DEMO, { cacheFolder: false });
    pool = createLanePool({
      entry: LANE_ENTRY,
      lanes: 1,
      threadsPerLane: 1,
      memoryLimitBytes: 2 ** 30,
    });
    const { outputs } = await pool.run({
      ...bareJob('decode', { 'vae-decoder': image.vaeDecoder }),
      tensors: { latents: floatTensor([2, 4, 8, 8]) },
      frames: [0, 1],
    });
    expect(outputs['frames']).toMatchObject({ type: 'uint8', shape: [2, 64, 64, 3] });
  });
});
