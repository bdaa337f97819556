// Goal: jobs that nobody here can run cost the others nothing, and say what they wait for; also where only the codecs are others, as after
// an upgrade. Method: the real coordinator, memory bus and memory store, scripted workers.

import { afterEach, expect, it } from 'vitest';

import type { NumericsClasses } from '../../../../common/stage-facts.ts';
import { waitsFor } from '../../../../coordinator/dispatch/waits-for.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const OURS = acceptedJob().numerics;

let farm: CoordinatorHarness | undefined;
afterEach(async () => farm?.close());

it.each([
  ['of another device', { inference: 'cuda:other' }],
  ['with other codecs', { media: 'codecs of another version' }],
  ['of another V8', { plain: 'v8-9.9' }],
] as const)('jobs for workers %s take no room, however urgent', async (_, changes) => {
  farm = new CoordinatorHarness();
  farm.addWorker('ours');
  const { coordinator, workers } = farm;
  const numerics: NumericsClasses = { ...OURS, ...changes };
  const foreign = await Promise.all(
    [1, 2, 3, 4, 5].map((seed) =>
      coordinator.submit(acceptedJob({ seed, numerics }), { name: 'foreign', priority: 100 }),
    ),
  );
  const { jobId } = await coordinator.submit(acceptedJob(), { name: 'ours', priority: 0 });
  await farm.until(jobId, 'done');
  for (const { jobId: id } of foreign) {
    const view = coordinator.get(id);
    expect(['queued', 'running']).toContain(view.state);
    const [wanted] = Object.values(changes);
    expect(waitsFor(view.numerics!, workers.alive)).toContain(wanted);
  }
  // Until somebody comes who can.
  const [kind] = Object.keys(changes);
  expect(waitsFor(numerics, workers.alive)).toContain(`${kind} class`);
  expect(waitsFor(OURS, workers.alive)).toBeUndefined();
});
