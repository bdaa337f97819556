// Lanes with real threads and real graphs: results, cancellation, crashes, and the main thread's freedom. The stages
// are those of test/support/models/test-lane.ts.

import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

import { openModelSet } from '../../../../common/models/model-folder.ts';
import type { Digest } from '../../../../common/task.ts';
import type { LaneModel } from '../../../../workers/inference/lane-job.ts';
import { createLanePool } from '../../../../workers/inference/lane-pool.ts';
import type { LanePool, LanePoolOptions } from '../../../../workers/inference/lane-pool.ts';
import { elementCount, floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { graphPath } from '../../../support/models/paths.ts';
import type { SlowParams } from '../../../support/models/test-lane.ts';

const ENTRY = new URL('../../../support/models/test-lane.ts', import.meta.url);
const TOKENIZER = fileURLToPath(
  new URL('../../../../models/parity/tokenizer/sd1', import.meta.url),
);
const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
/** A run of the slow graph of about 50 ms on a free core. */
const ROUNDS = 60_000;

let pool: LanePool;

function open(options: Partial<LanePoolOptions> = {}): LanePool {
  pool = createLanePool({
    lanes: 1,
    threadsPerLane: 1,
    memoryLimitBytes: 2 ** 30,
    entry: ENTRY,
    ...options,
  });
  return pool;
}

afterEach(async () => {
  await pool.close();
});

function graph(name: string, file = `${name}.onnx`): LaneModel {
  return { name, digest: name as Digest, graph: graphPath(file), config: {} };
}

function addJob(a: FloatTensor, b: FloatTensor) {
  const models = { adder: graph('adder', 'add.onnx') };
  return { stage: 'add', params: {}, tensors: { a, b }, frames: [], models };
}

function slowJob(params: Partial<SlowParams> = {}) {
  return {
    stage: 'slow',
    params: { steps: 1, roundsPerStep: ROUNDS, checks: true, ...params },
    tensors: {},
    frames: [],
    models: { slow: graph('slow') },
  };
}

function row(...values: number[]): FloatTensor {
  return floatTensor([1, values.length], Float32Array.from(values));
}

function bareJob(stage: string, models: Readonly<Record<string, LaneModel>> = {}) {
  return { stage, params: {}, tensors: {}, frames: [], models };
}

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
    await pool.run(slowJob({ roundsPerStep: 1 }));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const runs = [0, 1].map(() => pool.run(slowJob({ steps: 2, roundsPerStep: 10 * ROUNDS })));
    const results = await Promise.all(runs);
    delay.disable();
    const runMs = (Math.min(...results.map(({ busySeconds }) => busySeconds)) / 2) * 1000;
    expect(runMs).toBeGreaterThan(200);
    expect(delay.percentile(99) / 1e6).toBeLessThan(50);
    // The machine may be busy with other things; a thread that waits for a run would be late by all of it.
    expect(delay.max / 1e6).toBeLessThan(runMs / 2);
  });

  it('gives a job to the free lane that has its models loaded', async () => {
    open({ lanes: 2 });
    await Promise.all([pool.run(slowJob({ steps: 2 })), pool.run(addJob(row(1), row(2)))]);
    for (let i = 0; i < 3; i += 1) {
      await pool.run(slowJob({ roundsPerStep: 1 }));
      await pool.run(addJob(row(1), row(2)));
    }
    const warm = pool.stats().loads.map((load) => load.warm);
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
    pool = createLanePool({ lanes: 1, threadsPerLane: 1, memoryLimitBytes: 2 ** 30 });
    const { outputs } = await pool.run({
      ...bareJob('decode', { 'vae-decoder': image.vaeDecoder }),
      tensors: { latents: floatTensor([2, 4, 8, 8]) },
      frames: [0, 1],
    });
    expect(outputs['frames']).toMatchObject({ type: 'uint8', shape: [2, 64, 64, 3] });
  });
});

describe('cancelling a job', () => {
  it.each([
    ['whose body looks for it between steps', true],
    ['whose body never looks', false],
  ])('takes effect within one step: a body %s', async (_, checks) => {
    open();
    const stop = new AbortController();
    let steps = 0;
    const run = pool.run(slowJob({ steps: 1000, checks }), {
      signal: stop.signal,
      onProgress: (step) => {
        steps = step;
        if (step === 2) stop.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
    // Two were told; a third was under way when they were, and a busy main thread may hear one late.
    expect(steps).toBeLessThanOrEqual(4);
    expect((await pool.run(addJob(row(1), row(2)))).outputs['sum']).toEqual(row(3));
  });

  it('takes effect at once while it waits for a lane', async () => {
    open();
    const long = pool.run(slowJob({ steps: 3 }));
    const stop = new AbortController();
    const waiting = pool.run(addJob(row(1), row(2)), { signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({
      code: 'cancelled',
      message: 'add was cancelled: while it waited for a lane',
    });
    expect(pool.stats()).toMatchObject({ busy: 1, queued: 0 });
    await long;
  });

  it('refuses a job whose signal has aborted before', async () => {
    const run = open().run(addJob(row(1), row(2)), { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a failing job', () => {
  it.each([
    ['ends its thread', 'crash-on-exit', 'the lane that ran crash-on-exit crashed: exit 7'],
    [
      'throws where nobody catches',
      'crash-on-throw',
      'the lane that ran crash-on-throw crashed: thrown where nobody catches',
    ],
  ])('fails alone and its lane is replaced when it %s', async (_, stage, message) => {
    open({ lanes: 2 });
    const other = pool.run(slowJob({ steps: 4 }));
    await expect(pool.run(bareJob(stage))).rejects.toMatchObject({
      code: 'internal',
      retry: 'other-worker',
      message,
    });
    const next = await pool.run(addJob(row(1), row(2)));
    expect(next.outputs['sum']).toEqual(row(3));
    await other;
    expect(pool.stats()).toMatchObject({ lanes: 2, busy: 0, replaced: 1 });
  });

  it('starts a lane for the jobs that wait behind a crash', async () => {
    open();
    const crash = pool.run(bareJob('crash-on-exit'));
    const next = pool.run(addJob(row(1), row(2)));
    await expect(crash).rejects.toMatchObject({ code: 'internal' });
    expect((await next).outputs['sum']).toEqual(row(3));
  });

  it('fails each job, without starting threads for ever, when the lane cannot start', async () => {
    open({ entry: new URL('absent.ts', ENTRY) });
    await expect(pool.run(bareJob('add'))).rejects.toMatchObject({ code: 'internal' });
    await expect(pool.run(bareJob('add'))).rejects.toThrow(/crashed.*absent\.ts/);
    expect(pool.stats().replaced).toBe(1);
  });

  it('tells where a defect is', async () => {
    await expect(open().run(bareJob('defect'))).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('running defect: Cannot read properties') as string,
      details: { stack: expect.stringContaining('test-lane.ts') as string },
    });
  });

  it('names a stage that no code runs, and a role that has no model', async () => {
    open();
    await expect(pool.run(bareJob('knit'))).rejects.toThrow('no code here runs the stage knit');
    const job = { ...addJob(row(1), row(2)), models: { unet: graph('slow') } };
    await expect(pool.run(job)).rejects.toThrow('add has no model for adder; it has unet');
  });

  it('refuses a graph that does not fit its role, before it is run', async () => {
    const run = open().run(bareJob('smooth', { unet: graph('adder', 'add.onnx') }));
    await expect(run).rejects.toMatchObject({ code: 'failed-precondition', retry: 'never' });
    await expect(run).rejects.toThrow(
      /graph adder is no clip-unet: input sample: expected float32 or float16 \[\*, 4, \*, \*, \*\]; found only a, b/,
    );
  });

  it('keeps the code, hint and cause of what the body throws', async () => {
    const job = { ...addJob(row(1), row(2)), models: { adder: graph('gone', 'gone.onnx') } };
    await expect(open().run(job)).rejects.toMatchObject({
      name: 'BivdiffError',
      code: 'failed-precondition',
      hint: expect.any(String) as string,
    });
  });
});

describe('closing a lane pool', () => {
  it('cancels what runs and what waits, and ends all threads', async () => {
    const before = threadCount();
    open({ lanes: 2, threadsPerLane: 2 });
    await Promise.all([pool.run(slowJob()), pool.run(slowJob())]);
    expect(threadCount()).toBeGreaterThan(before);
    const jobs = [1, 2, 3].map(() => pool.run(slowJob({ steps: 1000 })));
    const ends = Promise.allSettled(jobs);
    await pool.close();
    for (const end of await ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'cancelled' } });
    }
    expect(threadCount()).toBe(before);
  });

  it('may be done twice, and refuses jobs afterwards', async () => {
    open();
    await Promise.all([pool.close(), pool.close()]);
    await expect(pool.run(addJob(row(1), row(2)))).rejects.toMatchObject({
      code: 'cancelled',
      message: 'add was cancelled: the lanes are closed',
    });
  });
});

/** Threads of this process, where the system tells. */
function threadCount(): number {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return process.getActiveResourcesInfo().filter((kind) => kind.includes('Worker')).length;
  }
}
