// Goal: a worker runs on the device that it was told, or says why it cannot; jobs go to workers of the class that they were taken for.

import { writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import {
  cpuClass,
  inferenceClass,
  secondCache,
} from '../../../workers/inference/numerics-class.ts';
import { inMountOfItsOwn } from '../../support/conformance/small-disk.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { answers, useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Some GPU's: nothing here is like it. */
const FOREIGN = 'cuda:of-another-machine/onnxruntime-1.30.0/v8-13.6';

it.each([
  ['GPU', 'no device is called "GPU"'],
  ['cuda:first', 'no device is called "cuda:first"'],
  // No build of ONNX Runtime for Node has it on Linux.
  ['xnnpack', 'device xnnpack does not work here: '],
])('does not begin on device %s', async (device, message) => {
  for (const words of [['worker', '--pool', 'vdm'], ['up']]) {
    const run = await endOfCli(startCli([...words, '--device', device]));
    expect(run.stderr).toContain(message);
    expect(run.stderr).toContain('bivdiff doctor');
    expect(run.code).toBe(2);
  }
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
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  const theirs = inferenceClass(`cpu:${cpuClass(arch(), cpuinfo, secondCache())}`);
  const classes = farm.events.map(({ taskId }) => farm.recordOf(taskId)?.numericsClass ?? '');
  const ofInference = classes.filter((one) => one.startsWith('cpu:'));
  expect(new Set(ofInference)).toEqual(new Set([theirs]));
});
