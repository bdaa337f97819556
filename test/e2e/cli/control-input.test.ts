// Ready-made controls on the command line. Goal: pictures that another program has made are drawn along as the program's own would be, to the
// byte, on this machine and on a farm; and what does not fit has its own error before anything runs.

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { canny } from '../../../workers/vision/canny.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { isThorough } from '../../support/thorough.ts';
import { sha256OfFile } from '../../support/farm/tenant-farm.ts';
import { bivdiff, createWorkplace, expectOneError, jsonOf, SOURCE } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const FRAMES = 3;
/** Of the card of the models that ship. */
const THRESHOLDS = { low: 60, high: 150 };

const farmOf = useFarm();
let place: Workplace;
/** Frames of the source and their outlines, as folders of pictures. */
let frames: string;
let outlines: string;

beforeAll(async () => {
  place = await createWorkplace();
  frames = place.path('frames');
  outlines = place.path('outlines');
  const clip = ['roundtrip', SOURCE, '--frames', String(FRAMES), '--stride', '4'];
  const made = await bivdiff(...clip, `${frames}/`, '--quiet');
  expect(made.code, made.stderr).toBe(0);
  await mkdir(outlines);
  for (const name of await readdir(frames)) {
    const { data, info } = await sharp(join(frames, name))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const levels = canny({ width, height, rgb: data, ...THRESHOLDS });
    await sharp(levels, { raw: { width, height, channels: 1 } })
      .png()
      .toFile(join(outlines, name));
  }
});
afterAll(async () => place[Symbol.asyncDispose]());

const flags = (...more: readonly string[]): string[] => [
  ...['--task', 'controlnet', '--input', frames, '--frames', String(FRAMES), '--stride', '1'],
  ...['--steps', '2', '--prompt', 'a green star', ...more],
];
const render = (output: string, ...more: readonly string[]) =>
  bivdiff(
    ...['render', ...flags(...more), '--store', place.path('store'), '--quiet'],
    ...['--output', place.path('out', output)],
  );

describe('a ready-made control', () => {
  it('is drawn along as the one that is found is, here and on a farm', async () => {
    const found = await render('found.mp4', '--json');
    expect(found.code, found.stderr).toBe(0);
    const given = await render('given.mp4', '--control-input', outlines, '--json');
    expect(given.code, given.stderr).toBe(0);
    interface Report {
      readonly sha256: string;
      readonly metrics: { readonly edgeF1: unknown };
    }
    const [one, other] = [jsonOf<Report>(found), jsonOf<Report>(given)];
    expect(other.sha256).toBe(one.sha256);
    expect(other.metrics).toEqual(one.metrics);
    expect(one.metrics.edgeF1).not.toBeNull();

    // That a second source gets to a farm is shown there by a mask: submitted-settings.test.ts.
    if (!isThorough) return;
    const { server } = await farmOf.start({ workers: 1 });
    const at = ['--server', server];
    const submitted = await bivdiff(
      'submit',
      ...flags('--control-input', outlines),
      '--json',
      ...at,
    );
    expect(submitted.code, submitted.stderr).toBe(0);
    const { job } = jsonOf<{ readonly job: string }>(submitted);
    const watched = await bivdiff('watch', job, '--quiet', ...at);
    expect(watched.code, watched.stderr).toBe(0);
    const fetched = place.path('out', 'fetched.mp4');
    expect((await bivdiff('fetch', job, '--output', fetched, ...at)).code).toBe(0);
    expect(await sha256OfFile(fetched)).toBe(one.sha256);
  });

  it('needs no model that sees it', async () => {
    const asked = ['plan', ...flags('--control', 'depth', '--control-input', outlines), '--json'];
    const plan = await bivdiff(...asked, '--store', place.path('store'));
    expect(plan.code, plan.stderr).toBe(0);
    const { tasks } = jsonOf<{ readonly tasks: Record<string, unknown> }>(plan);
    expect(Object.keys(tasks)).not.toContain('estimate');
  });

  interface Unfit {
    readonly name: string;
    readonly more?: readonly string[];
    readonly path: () => Promise<string>;
    readonly why: RegExp;
  }

  /** The outlines from the `from`th on, as `change` makes them. */
  async function others(name: string, change: (from: Sharp) => Sharp, from = 0) {
    await mkdir(place.path(name));
    for (const file of (await readdir(outlines)).slice(from)) {
      await change(sharp(join(outlines, file))).toFile(place.path(name, file));
    }
    return place.path(name);
  }

  it.each<Unfit>([
    {
      ...{ name: 'no file', why: /absent\.mp4/ },
      path: () => Promise.resolve(join(outlines, 'absent.mp4')),
    },
    {
      ...{ name: 'several controls', more: ['--control', 'canny,depth'] },
      ...{ path: () => Promise.resolve(outlines), why: /--control-input: is for one control/ },
    },
    {
      ...{
        name: 'one picture',
        why: /--control-input: is one picture, where 3 frames are rendered/,
      },
      path: async () => join(outlines, (await readdir(outlines))[0]!),
    },
    {
      ...{ name: 'shorter', why: /--control-input: .* has 2 frames, but 3 are needed/ },
      path: () => others('short', (one) => one, 1),
    },
    {
      ...{ name: 'another size', why: /--control-input: .*sizes have to be equal/ },
      path: () => others('wide', (one) => one.resize(96, 64)),
    },
  ])('is refused where it does not fit: $name', async ({ more = [], path, why }) => {
    expectOneError(await render('refused.mp4', ...more, '--control-input', await path()), why);
    expect(await place.outputs()).not.toContain('refused.mp4');
  });
});
