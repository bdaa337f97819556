// Goal: what a stopped task leaves in the store, another run goes on from, to the same bits; what is damaged there costs only the steps.
// Method: real lanes over the models that ship, a file store, and the task runner that workers have.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { LANE_ENTRY } from '../../../recipes/lane-entry.ts';
import { BivdiffError } from '../../../common/errors.ts';
import { digestText } from '../../../common/digest.ts';
import { openStore } from '../../../common/store/open-store.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { Digest, ResultRecord, Task, TaskId } from '../../../common/task.ts';
import { checkpointIdOf, TaskCheckpoints } from '../../../workers/stages/checkpoints.ts';
import { createLanePool } from '../../../workers/inference/lanes/lane-pool.ts';
import type { LanePool } from '../../../workers/inference/lanes/lane-pool.ts';
import { createMediaService } from '../../../workers/media/media-service.ts';
import { SourceCache } from '../../../workers/stages/source-cache.ts';
import { runStage } from '../../../workers/stages/run-stage.ts';
import type { StageOutcome } from '../../../workers/stages/stage-environment.ts';
import { standardNormals } from '../../../workers/tensor/frame-noise.ts';
import { floatTensor } from '../../../workers/tensor/tensor.ts';
import { DemoStages } from './pipelines/demo-stages.ts';

const STEPS = 8;
const frames = [0, 1, 2, 3];
const SHAPE = [4, 4, 16, 16];
const params = { prompt: 'a red circle', negativePrompt: '', steps: STEPS, guidanceScale: 1.5 };

let demo: DemoStages;
let folder: string;
let store: Store;
let lanes: LanePool;
let task: Task;

beforeAll(async () => {
  demo = await DemoStages.open();
  lanes = createLanePool({
    entry: LANE_ENTRY,
    lanes: 1,
    threadsPerLane: 1,
    memoryLimitBytes: 2 ** 30,
  });
});

afterAll(() => lanes.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-checkpoints-'));
  store = await openStore(folder);
  task = await smoothTask();
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** To smooth four frames of noise that is in the store. */
async function smoothTask(): Promise<Task> {
  const maker = digestText('mixed') as string as TaskId;
  const key = { seed: 1, frames, purpose: 'generate-initial' } as const;
  const noise = standardNormals(key, 4 * 16 * 16);
  const bytes = new Uint8Array(noise.buffer);
  const digest = await store.putArtifact(bytes);
  await store.putRecord({
    ...{ taskId: maker, stage: 'mix', worker: 'w', numericsClass: 'test', attempt: 1 },
    outputs: { noise: [{ digest, bytes: bytes.length, type: 'tensor/float32', shape: SHAPE }] },
    ...{ startedAt: new Date(0).toISOString(), seconds: 0, busySeconds: 0 },
  });
  const models = Object.entries(demo.modelsOf('smooth', params));
  return {
    ...{ id: digestText('smooth') as string as TaskId, stage: 'smooth', stageRevision: 1, params },
    models: Object.fromEntries(models.map(([role, { digest: part }]) => [role, part])),
    inputs: { noise: [{ task: maker, output: 'noise', offset: 0, count: 4 }] },
    ...{ sources: {}, frames, numericsClass: 'test' },
  };
}

interface Ran {
  readonly outcome: StageOutcome;
  readonly steps: readonly number[];
  readonly doneSteps: number | undefined;
}

/** Runs the task; `stopAfter` so many steps it is cancelled. */
async function run(options: { every: number; stopAfter?: number }): Promise<Ran> {
  const stop = new AbortController();
  const steps: number[] = [];
  let doneSteps: number | undefined;
  const parts = new Map(
    Object.values(demo.modelsOf('smooth', params)).map((part) => [part.digest, part]),
  );
  const outcome = await runStage(
    task,
    {
      ...{ store, lanes, media: createMediaService(), sources: new SourceCache(store) },
      panelLabels: {},
      ...{ worker: 'w', checkpointSeconds: options.every },
      findPart: async (digest) => Promise.resolve(parts.get(digest)),
    },
    {
      signal: stop.signal,
      onProgress: (step) => {
        steps.push(step);
        if (step === options.stopAfter) stop.abort();
      },
      onDevice: (work, done) => {
        doneSteps = done;
        return work();
      },
    },
  );
  return { outcome, steps, doneSteps };
}

async function checkpointOf(): Promise<ResultRecord | undefined> {
  const ids = [checkpointIdOf(task.id, 0), checkpointIdOf(task.id, 1)];
  const found = await Promise.all(ids.map((id) => store.getRecord(id)));
  // The last has gone when the next is there.
  expect(found.filter((record) => record !== undefined).length).toBeLessThanOrEqual(1);
  return found.find((record) => record !== undefined);
}

/** Stops it in the middle, and gives after how many steps it can be gone on with. */
async function stopped(every: number): Promise<number> {
  const stopping = run({ every, stopAfter: 4 });
  await expect(stopping).rejects.toMatchObject({ code: 'cancelled' });
  const record = await checkpointOf();
  return record?.doneSteps ?? 0;
}

describe('a task of many steps', () => {
  it('goes on from where it was stopped, to the same bits, and lets its checkpoint go', async () => {
    const whole = await run({ every: Infinity });
    expect(whole.steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await checkpointOf()).toBeUndefined();
    const left = await stopped(1e-3);
    expect(left).toBeGreaterThanOrEqual(4);
    expect(left).toBeLessThan(STEPS);
    const rest = await run({ every: 1e-3 });
    expect(rest.doneSteps).toBe(left);
    expect(rest.steps).toEqual(whole.steps.filter((step) => step > left));
    expect(rest.outcome.outputs).toEqual(whole.outcome.outputs);
    await rest.outcome.committed?.();
    expect(await checkpointOf()).toBeUndefined();
  });

  it('leaves none when it is stopped soon after it began, and begins anew', async () => {
    expect(await stopped(1e6)).toBe(0);
    expect((await run({ every: 1e6 })).steps).toHaveLength(STEPS);
  });

  it('begins anew where the checkpoint is damaged', async () => {
    const whole = await run({ every: Infinity });
    expect(await stopped(1e-3)).toBeGreaterThan(0);
    const { digest } = (await checkpointOf())!.outputs['sample']![0]!;
    const [path] = await filesNamed(digest);
    await writeFile(path!, 'damaged');
    const rest = await run({ every: Infinity });
    expect(rest.doneSteps).toBeUndefined();
    expect(rest.outcome.outputs).toEqual(whole.outcome.outputs);
  });

  it('begins anew after a failure: what it went on from may be why', async () => {
    const checkpoints = new TaskCheckpoints({ store, worker: 'w' }, task);
    checkpoints.save({ doneSteps: 2, tensors: { sample: floatTensor([1], Float32Array.of(1)) } });
    await checkpoints.settled();
    // Of a checkpoint that does not fit.
    await expect(run({ every: 1e6 })).rejects.toMatchObject({ code: 'data-loss' });
    expect(await checkpointOf()).toBeUndefined();
    expect((await run({ every: 1e6 })).steps).toHaveLength(STEPS);
  });
});

describe('TaskCheckpoints', () => {
  const at = (doneSteps: number) => ({
    doneSteps,
    tensors: { sample: floatTensor([2], Float32Array.of(doneSteps, 0)) },
  });

  it('keeps the newest, whatever was saved while one was being written', async () => {
    const checkpoints = new TaskCheckpoints({ store, worker: 'w' }, task);
    for (const step of [1, 2, 3, 4]) checkpoints.save(at(step));
    await checkpoints.settled();
    expect(await new TaskCheckpoints({ store, worker: 'v' }, task).find()).toEqual(at(4));
  });

  it('has one to go on from, wherever in writing the next the worker dies', async () => {
    for (let calls = 0; calls <= 5; calls += 1) {
      const first = new TaskCheckpoints({ store, worker: 'w' }, task);
      first.save(at(1));
      await first.settled();
      const dying = new TaskCheckpoints({ store: storeThatDies(calls), worker: 'v' }, task);
      await dying.find();
      dying.save(at(2));
      await dying.settled();
      const found = await new TaskCheckpoints({ store, worker: 'u' }, task).find();
      expect([1, 2]).toContain(found?.doneSteps);
      await first.drop();
      expect(await checkpointOf()).toBeUndefined();
    }
  });

  it('goes on from the other where the newest is damaged', async () => {
    const older = new TaskCheckpoints({ store, worker: 'w' }, task);
    older.save(at(3));
    await older.settled();
    // Of a worker that knew nothing of it, and was killed before it took the last away.
    const { worker, attempt, startedAt, seconds, busySeconds, ...rest } = (await checkpointOf())!;
    const taskId = checkpointIdOf(task.id, rest.taskId === checkpointIdOf(task.id, 0) ? 1 : 0);
    const lost = { ...rest.outputs['sample']![0]!, digest: digestText('lost') };
    await store.putRecord({
      ...{ ...rest, worker, attempt, startedAt, seconds, busySeconds },
      ...{ taskId, doneSteps: 5, outputs: { sample: [lost] } },
    });
    expect(await new TaskCheckpoints({ store, worker: 'v' }, task).find()).toEqual(at(3));
  });

  it('costs nothing but the steps when the store fails', async () => {
    const refuse = async (): Promise<never> => {
      return Promise.reject(new BivdiffError('resource-exhausted', 'full'));
    };
    const full: Store = Object.assign(Object.create(store) as Store, {
      putArtifact: refuse,
      getRecord: refuse,
      dropRecord: refuse,
    });
    const checkpoints = new TaskCheckpoints({ store: full, worker: 'w' }, task);
    checkpoints.save(at(1));
    await checkpoints.settled();
    await checkpoints.drop();
    expect(await checkpoints.find()).toBeUndefined();
    expect(await checkpointOf()).toBeUndefined();
  });
});

/** Fails every write after so many. */
function storeThatDies(writesLeft: number): Store {
  let left = writesLeft;
  const write = <T>(act: () => Promise<T>): Promise<T> => {
    left -= 1;
    return left >= 0 ? act() : Promise.reject(new BivdiffError('unavailable', 'killed'));
  };
  return Object.assign(Object.create(store) as Store, {
    getArtifact: (digest: Digest) => store.getArtifact(digest),
    getRecord: (id: TaskId) => store.getRecord(id),
    putArtifact: (bytes: Uint8Array) => write(() => store.putArtifact(bytes)),
    putRecord: (record: ResultRecord) => write(() => store.putRecord(record)),
    dropRecord: (id: TaskId) => write(() => store.dropRecord(id)),
  });
}

async function filesNamed(name: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name === name)
    .map((entry) => join(entry.parentPath, entry.name));
}
