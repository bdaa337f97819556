// Goal: of a clip that is there, another prompt of some frames runs what depends on them, as plan has said, and leaves the rest as it was; and a part
// of a clip is the whole's frames. Method: the real program with the tiny models, frames as PNGs.

import { readFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { bivdiff, createWorkplace, expectOneError, jsonOf, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';
import { casesOf } from '../../support/thorough.ts';

const CLIP = { frames: '32', stride: '1', window: '4', 'frame-batch': '2', steps: '2' };

interface Planned {
  readonly tasks: { readonly total: number; readonly toRun: number };
}

async function planned(flags: readonly string[]): Promise<Planned['tasks']> {
  const run = await bivdiff('plan', ...flags, '--json');
  expect(run.code, run.stderr).toBe(0);
  return jsonOf<Planned>(run).tasks;
}

async function render(place: Workplace, name: string, flags: readonly string[]): Promise<void> {
  const output = place.path('out', name) + '/';
  const run = await bivdiff('render', '--quiet', ...flags, '--output', output);
  expect(run.code, run.stderr).toBe(0);
}

/** Bytes of each frame, in order. */
async function framesOf(place: Workplace, name: string): Promise<string[]> {
  const names = (await place.outputs()).filter((one) => one.startsWith(`${name}/`));
  return Promise.all(
    names.map(async (one) => (await readFile(place.path('out', one))).toString('base64')),
  );
}

const STAR = ['--prompt-at', '8-15=a blue star', '--prompt-fade', '2'];

const MADE_ANEW = [
  ['independent', [8, 15]],
  ['blend', [6, 17]],
] as const;

it.each(casesOf(MADE_ANEW, ([long]) => long === 'blend'))(
  '%s: what depends on some frames is made anew, and nothing else',
  async (long, at) => {
    await using place = await createWorkplace();
    const flags = [...tinyFlags(place, CLIP), '--long', long];
    await render(place, 'before', flags);
    const again = await planned([...flags, ...STAR]);
    expect(again.toRun).toBeLessThan(again.total * 0.6);
    const output = place.path('out', 'after') + '/';
    const run = await bivdiff('render', ...flags, ...STAR, '--output', output, '--json', '--quiet');
    expect(run.code, run.stderr).toBe(0);
    expect(jsonOf<{ tasks: { run: number } }>(run).tasks.run).toBe(again.toRun);
    const [before, after] = [await framesOf(place, 'before'), await framesOf(place, 'after')];
    const changed = after.flatMap((bytes, frame) => (bytes === before[frame] ? [] : [frame]));
    expect([changed[0], changed.at(-1)]).toEqual(at);
  },
);

it.each(casesOf(['independent', 'blend', 'co-denoise'], (long) => long === 'co-denoise'))(
  '%s: a part is the whole’s',
  async (long) => {
    await using place = await createWorkplace();
    const flags = [...tinyFlags(place, CLIP), '--long', long];
    const part = [...flags, '--frames', '9-14/32'];
    await render(place, 'part', part);
    await render(place, 'whole', flags);
    const whole = await framesOf(place, 'whole');
    expect(await framesOf(place, 'part')).toEqual(whole.slice(9, 15));
    // And nothing of it is to be made again.
    const output = place.path('out', 'part') + '/';
    expect((await planned([...part, '--output', output])).toRun).toBe(0);
  },
);

it.each([
  [['--prompt-at', '8-40=a'], /--prompt-at: there is no frame 40; the last of 32 is 31/],
  [['--prompt-at', '8-10=a', '--prompt-at', '10-12=b'], /--prompt-at: frames 8-10 and 10-12 over/],
  [['--prompt-at', '8-10= '], /--prompt-at: a prompt is missing/],
  [['--seed-at', '10-8=7'], /--seed-at: frames 10-8 end before they begin/],
  [['--frames', '20-40/32'], /--frames: there is no frame 40/],
  [['--prompt-fade', '3'], /--prompt-fade: is for prompts of some frames/],
  [['--task', 'prompt-to-prompt', '--prompt-at', '1=a'], /--prompt-at: for task/],
])('refuses %o', async (words, message) => {
  await using place = await createWorkplace();
  expectOneError(await bivdiff('plan', ...tinyFlags(place, CLIP), ...words), message);
});
