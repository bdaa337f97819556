// Frames that another program has made, smoothed by the real program. Goal: it does not matter in what they come, and nothing of the recipes that
// draw takes part. Method: the tiny models draw some frames, which then come as a folder of pictures, a GIF and an MP4.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { openStore } from '../../../common/store/open-store.ts';
import type { JobId } from '../../../common/task.ts';
import { createPlan, tasksOfStage } from '../../../coordinator/domain/plan.ts';
import { readAcceptedJob } from '../../../coordinator/jobs/finished-frames.ts';
import { bivdiff, createWorkplace, jsonOf, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';
import { casesOf } from '../../support/thorough.ts';

interface Report {
  readonly sha256: string;
  readonly metrics: {
    readonly flicker: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly edgeF1: Readonly<Record<'generated' | 'smoothed', number | null>>;
    readonly drift: number | null;
  };
  readonly tasks: { readonly byStage: Readonly<Record<string, { readonly run: number }>> };
}

/** The frames as a source at `path`. */
async function draw(place: Workplace, path: string): Promise<void> {
  const run = await bivdiff('render', ...tinyFlags(place), '--output', path, '--quiet');
  expect(run.code, run.stderr).toBe(0);
}

async function smooth(place: Workplace, input: string, output: string): Promise<Report> {
  const all = tinyFlags(place, { task: 'frames', input, stride: '1' });
  const control = all.indexOf('--control');
  const words = all.toSpliced(control, 2);
  const panels = ['--comparison', place.path('out', `${output}-panels.mp4`)];
  const run = await bivdiff(
    ...['render', ...words, ...panels, '--contact-sheet', place.path('out', `${output}.png`)],
    ...['--output', place.path('out', `${output}.mp4`), '--json', '--quiet'],
  );
  expect(run.code, run.stderr).toBe(0);
  return jsonOf<Report>(run);
}

/** What the image model drew in a render, as pictures in a folder. */
async function generatedFrames(place: Workplace, jobId: JobId): Promise<string> {
  const folder = place.path('drawn');
  await mkdir(folder);
  const store = await openStore(place.path('store'));
  const plan = createPlan(await readAcceptedJob(store, jobId));
  let number = 0;
  for (const ref of tasksOfStage(plan, 'generate')) {
    const record = await store.getRecord(plan.id(ref));
    for (const { digest } of record!.outputs['frames']!) {
      await store.getArtifactFile(digest, join(folder, `frame-${number}.png`));
      number += 1;
    }
  }
  await store.close();
  return folder;
}

describe('ready-made frames', () => {
  it.each(casesOf(['made/', 'made.gif', 'made.mp4'], (source) => source === 'made/'))(
    'are smoothed from %s',
    async (source) => {
      await using place = await createWorkplace();
      await draw(place, place.path(source));
      const { metrics, tasks } = await smooth(place, place.path(source), 'smooth');
      const stages = [
        'ingest',
        'encode',
        'invert-image',
        'invert-video',
        'mix',
        'smooth',
        'decode',
      ];
      expect(Object.keys(tasks.byStage)).toEqual([...stages, 'measure', 'assemble']);
      expect(metrics.edgeF1).toEqual({ generated: null, smoothed: null });
      const number = expect.any(Number) as number;
      expect(metrics.flicker).toEqual({ generated: number, smoothed: number });
      expect(metrics.drift).toEqual(number);
      expect(await place.outputs()).toEqual(['smooth-panels.mp4', 'smooth.mp4', 'smooth.png']);
    },
  );

  it('give what a render of the same frames gives behind them', async () => {
    await using place = await createWorkplace();
    const run = await bivdiff(
      ...['render', ...tinyFlags(place), '--output', place.path('drawn.mp4')],
      ...['--json', '--quiet'],
    );
    const drawn = jsonOf<Report & { readonly job: JobId }>(run);
    const frames = await generatedFrames(place, drawn.job);
    const { sha256, metrics } = await smooth(place, frames, 'smooth');
    expect(sha256).toBe(drawn.sha256);
    expect(metrics.drift).toBe(drawn.metrics.drift);
    expect(metrics.flicker).toEqual(drawn.metrics.flicker);
  });

  it('keep their alpha in outputs that have room for it, and go over black into others', async () => {
    await using place = await createWorkplace();
    const source = place.path('clear');
    await mkdir(source);
    for (const frame of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const picture = sharp(rgbaDisc(frame), { raw: { width: 32, height: 32, channels: 4 } });
      await picture.png().toFile(join(source, `f${frame}.png`));
    }
    const all = tinyFlags(place, { task: 'frames', input: source, stride: '1', size: '32x32' });
    const words = all.toSpliced(all.indexOf('--control'), 2);
    const write = async (name: string): Promise<string> => {
      const output = place.path('out', name);
      const run = await bivdiff('render', ...words, '--output', output, '--quiet');
      expect(run.code, run.stderr).toBe(0);
      return output;
    };
    const folder = await write('pictures/');
    const wanted = await alphaOf(join(source, 'f3.png'));
    expect(wanted).toContain(0);
    expect(wanted).toContain(127);
    expect(await alphaOf(join(folder, 'frame-000004.png'))).toEqual(wanted);
    const movie = await bivdiff('probe', await write('clip.mov'), '--json');
    expect(jsonOf(movie)).toMatchObject({ sources: [{ alpha: true, frames: 4 }] });
    const flat = await bivdiff('probe', await write('clip.mp4'), '--json');
    expect(jsonOf(flat)).toMatchObject({ sources: [{ alpha: false }] });
  });
});

/** A disc that moves, half clear at its rim and all clear around. */
function rgbaDisc(frame: number): Uint8Array {
  const pixels = new Uint8Array(32 * 32 * 4);
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 32; x++) {
      const distance = Math.hypot(x - 10 - frame, y - 16);
      if (distance >= 9) continue;
      pixels.set([220, 60, 30, distance < 6 ? 255 : 127], (y * 32 + x) * 4);
    }
  }
  return pixels;
}

async function alphaOf(file: string): Promise<number[]> {
  return [...(await sharp(file).extractChannel('alpha').raw().toBuffer())];
}
