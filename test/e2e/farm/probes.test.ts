// Goal: what Kubernetes and Prometheus ask of a farm's programs is answered rightly while it starts, works and drains. Method: real
// programs with --http; a worker that loads its models ahead; a job; SIGTERM under a running task.

import { once } from 'node:events';

import { expect, inject, it } from 'vitest';

import type { Program } from '../../support/farm/farm-program.ts';
import type {} from '../../support/farm/small-reference.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { freePort } from '../../support/network/ports.ts';
import { findPromtool, promtoolProblems } from '../../support/promtool.ts';
import { JOB_FLAGS, SMALL_JOB } from '../../support/reference.ts';

const farmOf = useFarm();
const promtool = findPromtool();

async function ask(port: number, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/** The value of a series, 0 if it is not there. */
function valueOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

async function ended({ child }: Program): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

it('probes and metrics of a coordinator and a worker', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const [ofCoordinator, ofWorker] = [await freePort(), await freePort()];
  farm.coordinator!.child.kill('SIGTERM');
  await ended(farm.coordinator!);
  farm.startCoordinator(undefined, {}, ['--http', `127.0.0.1:${ofCoordinator}`]);
  await farm.until('it is ready', async () => (await ask(ofCoordinator, '/readyz')).status === 200);
  expect(await ask(ofCoordinator, '/startupz')).toEqual({ status: 200, text: 'ok\n' });

  const seen: string[] = [];
  farm.startWorker('w', ['--http', `127.0.0.1:${ofWorker}`, '--preload', 'demo']);
  await farm.until('it has started', async () => {
    const { status, text } = await ask(ofWorker, '/startupz');
    if (status !== 200) expect(await ask(ofWorker, '/livez')).toMatchObject({ status: 200 });
    seen.push(text.trim());
    return status === 200;
  });
  expect(seen.at(-1)).toBe('ok');
  expect(await ask(ofWorker, '/readyz')).toMatchObject({ status: 200 });
  const loaded = (await ask(ofWorker, '/metrics')).text;
  // Before any task.
  const graphs = valueOf(loaded, 'bivdiff_worker_models_loaded');
  expect(graphs).toBeGreaterThan(0);
  expect(valueOf(loaded, 'bivdiff_worker_model_load_seconds')).toBeGreaterThan(0);

  const id = await farm.submit(SMALL_JOB);
  expect(await farm.finish(id)).toBe(inject('smallReference'));
  await farm.until('the worker has told of it', async () => {
    return valueOf((await ask(ofCoordinator, '/metrics')).text, 'bivdiff_jobs{state="done"}') === 1;
  });
  const [coordinator, worker] = [
    (await ask(ofCoordinator, '/metrics')).text,
    (await ask(ofWorker, '/metrics')).text,
  ];
  expect(valueOf(coordinator, 'bivdiff_leader')).toBe(1);
  expect(valueOf(coordinator, 'bivdiff_slots{pool="vdm"}')).toBe(1);
  const smooth = '{stage="smooth"}';
  const smooths = valueOf(coordinator, `bivdiff_stage_seconds_count${smooth}`);
  expect(smooths).toBeGreaterThan(0);
  expect(valueOf(worker, `bivdiff_worker_stage_seconds_count${smooth}`)).toBe(smooths);
  const committed = 'bivdiff_worker_tasks_total{stage="smooth",outcome="committed"}';
  expect(valueOf(worker, committed)).toBe(smooths);
  // All that the job's tasks ran had been loaded.
  expect(valueOf(worker, 'bivdiff_worker_models_loaded')).toBe(graphs);
  expect(valueOf(worker, 'bivdiff_worker_gathered_total{from="peer"}')).toBeGreaterThan(0);
  if (promtool !== undefined)
    for (const text of [coordinator, worker]) expect(promtoolProblems(promtool, text)).toBe('');
});

it('a worker hands back what runs when --drain-seconds are over', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const port = await freePort();
  const drained = farm.startWorker('w1', ['--http', `127.0.0.1:${port}`, '--drain-seconds', '0']);
  // Minutes of steps.
  const steps = JOB_FLAGS.indexOf('--steps');
  const begun = farm.next((event) => event.kind === 'started' && event.stage === 'generate');
  await farm.submit(JOB_FLAGS.with(steps + 1, '900'));
  const { taskId } = await begun;
  await farm.next((event) => event.kind === 'progress' && event.taskId === taskId);
  const handedBack = farm.next((event) => event.kind === 'failed' && event.taskId === taskId);
  drained.child.kill('SIGTERM');
  expect(await ended(drained), drained.log()).toBe(0);
  expect(drained.log()).toContain('worker drains');
  expect(await handedBack).toMatchObject({ failure: { code: 'cancelled' } });
});
