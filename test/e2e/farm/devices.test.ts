// Goal: a worker runs on the device that it was told, or says why it cannot; jobs go to workers of the class that they were taken for.

import { writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, inject, it } from 'vitest';

import {
  cpuClass,
  inferenceClass,
  secondCache,
} from '../../../workers/inference/numerics-class.ts';
import { inMountOfItsOwn } from '../../support/conformance/small-disk.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import { died, killed } from '../../support/farm/farm-program.ts';
import type {} from '../../support/farm/small-reference.ts';
import { freePort } from '../../support/network/ports.ts';
import { answers, useFarm } from '../../support/farm/use-farm.ts';
import { SMALL_JOB } from '../../support/reference.ts';
import { casesOf } from '../../support/thorough.ts';

const farmOf = useFarm();
/** Some GPU's: nothing here is like it. */
const FOREIGN = 'cuda:of-another-machine/onnxruntime-1.30.0/v8-13.6';

const NO_DEVICES = [
  ['GPU', 'no device is called "GPU"'],
  ['cuda:first', 'no device is called "cuda:first"'],
  // No build of ONNX Runtime for Node has it on Linux.
  ['xnnpack', 'device xnnpack does not work here: '],
] as const;

it.each(casesOf(NO_DEVICES, ([device]) => device !== 'cuda:first'))(
  'does not begin on device %s',
  async (device, message) => {
    const render = ['render', ...SMALL_JOB, '--output', join(tmpdir(), 'never.mp4')];
    for (const words of [['worker', '--pool', 'vdm'], ['up'], render]) {
      const run = await endOfCli(startCli([...words, '--device', device]));
      expect(run.stderr).toContain(message);
      expect(run.stderr).toContain('bivdiff doctor');
      expect(run.code).toBe(2);
    }
  },
);

const NOT_THERE = [
  // No GPU may be seen.
  ['cuda:all', '', "cuda:all: NVIDIA's driver shows no GPU here"],
  // Two are said to be there: both are tried, and both are told.
  [
    'cuda:all',
    '0,1',
    /2 problems:\n.* cuda:0 does not work here: .*\n.* cuda:1 does not work here: /,
  ],
  ['webgpu:all', '', 'the devices of webgpu cannot be counted'],
  ['cpu,GPU', '', 'no device is called "GPU"'],
] as const;

it.each(casesOf(NOT_THERE, ([device]) => device !== 'cpu,GPU'))(
  'does not begin on %s where %j can be seen: %s',
  async (device, visible, message) => {
    for (const words of [['worker', '--pool', 'vdm'], ['up']]) {
      const env = { CUDA_VISIBLE_DEVICES: visible };
      const run = await endOfCli(startCli([...words, '--device', device], env));
      expect(run.stderr).toMatch(message);
      expect(run.code).toBe(2);
    }
  },
);

it('does not begin a number of workers and one for each device', async () => {
  const run = await endOfCli(startCli(['up', '--device', 'cpu,cpu', '--workers', '3']));
  expect(run.stderr).toContain('--workers: --device cpu,cpu begins one for each device');
  expect(run.code).toBe(2);
});

it('runs a worker process for each of several devices, which come and go each for itself', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const [first, second] = [await freePort(), await freePort()];
  const http = Math.min(first, second);
  const pair = farm.startWorker('pair', ['--device', 'cpu,cpu', '--http', `127.0.0.1:${http}`]);
  await farm.seesWorkers(2);
  const { workers } = await farm.client.workers();
  expect(workers.map(({ name }) => name).sort()).toEqual(['pair-1', 'pair-2']);
  expect(new Set(workers.map(({ pid }) => pid)).size).toBe(2);
  for (const port of [http, http + 1]) {
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  }
  const dead = workers.find(({ name }) => name === 'pair-1')!;
  process.kill(dead.pid, 'SIGKILL');
  await farm.until('it is started again', async () => {
    return pair.log().includes('it is started again');
  });
  await farm.until('the new one is there', async () => {
    const now = (await farm.client.workers()).workers.find(({ name }) => name === 'pair-1');
    return now !== undefined && now.pid !== dead.pid;
  });
  expect(await farm.finish(await farm.submit(SMALL_JOB))).toBe(inject('smallReference'));
  await farm.client.drain('pair-2');
  await farm.until('a drained one is gone', async () => {
    const names = (await farm.client.workers()).workers.map(({ name }) => name);
    return names.join() === 'pair-1';
  });
  expect(pair.log()).not.toContain('pair-2 ended');
  pair.child.kill('SIGTERM');
  await died(pair);
  expect(pair.child.exitCode, pair.log()).toBe(0);
  await farm.seesWorkers(0);
});

it('a job that was taken for other devices waits for their workers', async () => {
  const farm = await farmOf.start({ workers: 0 });
  await killed(farm.coordinator!.child);
  const coordinator = farm.startCoordinator(undefined, {}, ['--numerics', FOREIGN]);
  farm.startWorker('here', ['--device', 'cpu']);
  await farm.seesWorkers(1);
  const [worker] = (await farm.client.workers()).workers;
  expect(worker?.numericsClass).toMatch(/^cpu:/);
  const id = await farm.submit();
  await farm.until('the coordinator has said that nobody can run it', async () => {
    return coordinator.log().includes(`waits for workers of inference class ${FOREIGN}`);
  });
  // What is no inference is anybody's.
  await farm.until('the source was read', async () => {
    return farm.events.some((event) => event.kind === 'committed');
  });
  const job = await farm.client.get(id);
  expect(job.state).toBe('running');
  expect(job.waitingFor).toContain(`inference class ${FOREIGN} (there: cpu:`);
  const stages = new Set(
    farm.events.flatMap((event) => (event.kind === 'committed' ? [event.result.stage] : [])),
  );
  expect([...stages].filter((stage) => !['ingest', 'annotate'].includes(stage))).toEqual([]);
});

it('a job is for the workers that are there, whatever the coordinator runs on', async () => {
  // Of older processors than any that runs this.
  const cpuinfo = 'flags\t\t: avx\nFeatures\t: asimd\n';
  const farm = await farmOf.start({ workers: 0 });
  await killed(farm.coordinator!.child);
  farm.startCoordinator(undefined, {}, ['--numerics', 'workers']);
  await answers(farm);
  await expect(farm.submit()).rejects.toThrow(/no worker that draws frames has been there yet/);
  const path = join(farm.folder, 'cpuinfo');
  await writeFile(path, cpuinfo);
  const prefix = await inMountOfItsOwn(`mount --bind '${path}' /proc/cpuinfo`);
  farm.startWorker('older', [], { prefix });
  await farm.seesWorkers(1);
  const id = await farm.submit(SMALL_JOB);
  expect(await farm.finish(id)).toBe(inject('smallReference'));
  const theirs = inferenceClass(`cpu:${cpuClass(arch(), cpuinfo, secondCache())}`);
  const classes = farm.events.map(({ taskId }) => farm.recordOf(taskId)?.numericsClass ?? '');
  const ofInference = classes.filter((one) => one.startsWith('cpu:'));
  expect(new Set(ofInference)).toEqual(new Set([theirs]));
});
