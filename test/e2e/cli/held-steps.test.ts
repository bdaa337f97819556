// Goal: a render on one machine stores a long clip's steps only now and then, and goes on from those after it was stopped. Method: the real program
// with the tiny models.

import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { bivdiff, createWorkplace, jsonOf, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { startCli, endOfCli } from '../../support/cli-process.ts';

const CLIP = { frames: '16', stride: '1', window: '4', 'frame-batch': '2', steps: '8' };
const STEP_STAGES = ['invert-image', 'invert-video', 'smooth'];

interface Usage {
  readonly steps: { readonly records: number };
}

interface Report {
  readonly tasks: { readonly byStage: Readonly<Record<string, { readonly run: number }>> };
}

let whole: Workplace;
let run: CliRun;

beforeAll(async () => {
  whole = await createWorkplace();
  const flags = [...tinyFlags(whole, CLIP), '--long', 'co-denoise'];
  const output = ['--output', whole.path('out', 'clip.mp4')];
  run = await bivdiff('render', ...flags, ...output, '--quiet', '--json');
});
afterAll(() => whole[Symbol.asyncDispose]());

it('stores few of the steps, and tells how many', async () => {
  expect(run.code, run.stderr).toBe(0);
  const { byStage } = jsonOf<Report>(run).tasks;
  const steps = STEP_STAGES.reduce((sum, stage) => sum + (byStage[stage]?.run ?? 0), 0);
  expect(steps).toBeGreaterThan(100);
  const store = ['--store', whole.path('store')];
  const { records } = jsonOf<Usage>(await bivdiff('store', 'du', ...store, '--json')).steps;
  expect(records).toBeGreaterThan(0);
  expect(records).toBeLessThan(steps);
  const told = await bivdiff('store', 'du', ...store);
  expect(told.stdout).toContain(`Of these, ${records} step`);
});

it('goes on from what is stored, to the same bytes', async () => {
  await using place = await createWorkplace();
  const flags = [...tinyFlags(place, CLIP), '--long', 'co-denoise'];
  const again = ['--output', place.path('out', 'again.mp4')];
  const stopped = startCli(['render', ...flags, ...again]);
  // It smooths: some inversions are stored, most never were.
  stopped.stderr!.on('data', (text: Buffer) => {
    if (text.toString().includes('smooth')) stopped.kill('SIGINT');
  });
  const { code, stderr } = await endOfCli(stopped);
  expect([code, stderr]).toEqual([130, expect.stringContaining('smooth')]);
  const resumed = await bivdiff('render', ...flags, ...again, '--quiet');
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(await readFile(place.path('out', 'again.mp4'))).toEqual(
    await readFile(whole.path('out', 'clip.mp4')),
  );
});
