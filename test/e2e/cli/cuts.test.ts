// Goal: a clip with cuts is rendered as if its shots were clips of their own, however its windows come together and are dealt to tasks; and cuts that are found are
// those that a file would list. Method: the real program, with the models that ship where a window has to
// show in its frames, which the tiny ones do not let it; frames as PNGs.

import { readFile, writeFile } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { createMediaService } from '../../../workers/media/media-service.ts';
import { disc, pan, take, writeShots } from '../../support/media/drawn-shots.ts';
import { TINY_SET } from '../../support/models/paths.ts';
import { bivdiff, createWorkplace, expectOneError, jsonOf, SOURCE } from './workplace.ts';
import type { Workplace } from './workplace.ts';
import { casesOf, isThorough, itThorough } from '../../support/thorough.ts';

const FRAMES = 14;
/** In the middle of a window, and of a batch. */
const CUT = 7;
/** A shot that is shorter than a window. */
const LAST = 11;

/** Of a task that draws nothing, so that a frame's place in its clip shows in nothing but its windows. */
function flagsOf(place: Workplace, changes: Readonly<Record<string, string | number>> = {}) {
  const flags = {
    ...{ task: 'frames', input: SOURCE, prompt: 'a red square', size: '64x64' },
    ...{ frames: FRAMES, stride: 1, window: 4, 'frame-batch': 2, steps: 2 },
    ...{ 'mixing-ratio': 0.5, store: place.path('store'), ...changes },
  };
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

async function shots(place: Workplace, text: string): Promise<string> {
  const path = place.path('shots.txt');
  await writeFile(path, text);
  return path;
}

/** Bytes of each frame, in order. */
async function rendered(place: Workplace, name: string, flags: readonly string[]) {
  const output = place.path('out', name) + '/';
  const run = await bivdiff('render', '--quiet', ...flags, '--output', output);
  expect(run.code, run.stderr).toBe(0);
  if (flags.includes('--cuts')) {
    expect(run.stdout).toContain(`\nshots    3, from frames 0, ${CUT}, ${LAST}\n`);
  }
  const names = (await place.outputs()).filter((one) => one.startsWith(`${name}/`));
  return Promise.all(
    names.map(async (one) => (await readFile(place.path('out', one))).toString('base64')),
  );
}

it.each(casesOf(['co-denoise', 'blend', 'independent'], (long) => long === 'co-denoise'))(
  '%s: shots are as clips of their own',
  async (long) => {
    await using place = await createWorkplace();
    const cuts = await shots(place, `0 ${CUT} ${LAST}\n`);
    const whole = await rendered(place, 'whole', flagsOf(place, { long, cuts }));
    const alone = [
      await rendered(place, 'first', flagsOf(place, { long, frames: CUT })),
      await rendered(place, 'second', flagsOf(place, { long, start: CUT, frames: LAST - CUT })),
      await rendered(place, 'third', flagsOf(place, { long, start: LAST, frames: FRAMES - LAST })),
    ];
    expect(whole).toEqual(alone.flat());
    const uncut = await rendered(place, 'uncut', flagsOf(place, { long }));
    expect(uncut.slice(CUT - 2, CUT + 2)).not.toEqual(whole.slice(CUT - 2, CUT + 2));
    // And a part across the cut has the frames of the whole.
    const part = flagsOf(place, { long, cuts, frames: `5-8/${FRAMES}` });
    expect(await rendered(place, 'part', part)).toEqual(whole.slice(5, 9));
  },
);

itThorough('is the same whichever windows are in a task', async () => {
  await using place = await createWorkplace();
  const cuts = await shots(place, `[${CUT}, ${LAST}]`);
  const [one, ...others] = [
    await rendered(place, 'one', flagsOf(place, { cuts })),
    await rendered(place, 'two', flagsOf(place, { cuts, 'window-block': 2 })),
    await rendered(place, 'four', flagsOf(place, { cuts, 'window-block': 4 })),
  ];
  for (const other of others) expect(other).toEqual(one);
});

it('leaves the flicker of cuts out of the figures, and tells the shots beforehand', async () => {
  await using place = await createWorkplace();
  const input = place.path('cut.mp4');
  await using media = createMediaService();
  const olive = disc([150, 140, 60], [30, 60, 200], 3);
  await writeShots(media, input, [
    ...take(disc([60, 80, 100], [220, 60, 60], 2), 8),
    ...take(olive, 8),
  ]);
  // The figures are of the source's frames here, whatever smooths them.
  const flags = flagsOf(place, { models: TINY_SET, input, frames: 16, steps: 1 });
  const flicker = async (name: string, words: readonly string[]): Promise<number> => {
    const output = place.path('out', `${name}.mp4`);
    const run = await bivdiff('render', '--json', ...flags, ...words, '--output', output);
    expect(run.code, run.stderr).toBe(0);
    return jsonOf<{ metrics: { flicker: { generated: number } } }>(run).metrics.flicker.generated;
  };
  expect(await flicker('cut', ['--cuts', 'auto'])).toBeLessThan((await flicker('uncut', [])) / 3);
  const plan = await bivdiff('plan', ...flags, '--cuts', 'auto');
  expect(plan.stdout).toMatch(/^shots {3}2, from frames 0, 8$/m);
  expect(plan.stdout).toMatch(/^windows 6 of 4 frames, 2 apart.* side by side$/m);
  const part = flagsOf(place, { models: TINY_SET, input, frames: '2-9/16', steps: 1 });
  const planned = await bivdiff('plan', ...part, '--cuts', 'auto');
  expect(planned.stdout).toMatch(/^windows 6 .* side by side \(of all 16 frames\)$/m);
});

it('finds what a file would list, and is the job without cuts where there are none', async () => {
  await using place = await createWorkplace();
  const input = place.path('cut.mp4');
  await using media = createMediaService();
  const scenes = [
    disc([60, 80, 100], [220, 60, 60], 2),
    disc([150, 140, 60], [30, 60, 200], 3),
    pan(2),
  ];
  await writeShots(
    media,
    input,
    scenes.flatMap((scene, i) => take(scene, [20, 17, 11][i]!)),
  );
  const job = async (words: readonly string[], changes: Readonly<Record<string, number>> = {}) => {
    const taken = { input, frames: 10, stride: 4, start: 3, ...changes };
    const flags = flagsOf(place, { models: TINY_SET, ...taken });
    const run = await bivdiff('plan', '--json', ...flags, ...words);
    expect(run.code, run.stderr).toBe(0);
    return jsonOf<{ job: string; settings: { cuts?: readonly number[] } }>(run);
  };
  // Source frames 3, 7, 11, 15, 19, 23, ...; the cuts are at 20 and 37.
  const found = await job(['--cuts', 'auto']);
  expect(found.settings.cuts).toEqual([5]);
  expect(found.job).toBe((await job(['--cuts', await shots(place, '5')])).job);
  if (isThorough) {
    const whole = await job(['--cuts', 'auto'], { frames: 11, start: 0 });
    expect(whole.settings.cuts).toEqual([5]);
  }
  const all = await job(['--cuts', 'auto'], { frames: 45, stride: 1 });
  expect(all.settings.cuts).toEqual([17, 34]);
  const plain = await job([]);
  expect(plain.job).not.toBe(found.job);
  for (const words of casesOf(
    [
      ['--cuts', 'none'],
      ['--cuts', await shots(place, '0')],
    ],
    ([, word]) => word === 'none',
  )) {
    expect((await job(words)).job).toBe(plain.job);
  }
  const first = { frames: 4 };
  expect((await job(['--cuts', 'auto'], first)).job).toBe((await job([], first)).job);
});

const REFUSED: readonly [string, RegExp][] = [
  ['9 4 99', /--cuts: there is no frame 99[^]*--cuts: 4 comes after 9/],
  ['0 8 9', /--cuts: the shot at frame 8 has one frame/],
  ['12;13', /--cuts: .*shots\.txt holds "12;13": expected the first frame of each shot/],
];

it.each(casesOf(REFUSED, ([text]) => text === '9 4 99'))('refuses %j', async (text, message) => {
  await using place = await createWorkplace();
  const flags = flagsOf(place, { models: TINY_SET, cuts: await shots(place, text) });
  expectOneError(await bivdiff('plan', ...flags), message);
});

it('refuses a file that is not there', async () => {
  await using place = await createWorkplace();
  const flags = flagsOf(place, { models: TINY_SET, cuts: place.path('none.txt') });
  expectOneError(await bivdiff('plan', ...flags), /--cuts: .*reading the cuts .*none\.txt/);
});
