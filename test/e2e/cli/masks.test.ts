// Masks on the command line, with the models that ship. Goal: whatever a mask comes as, it hides what the same rectangle hides, to the byte; known
// pixels come back as they were; and each way in which a mask can be wrong has its own error, before anything runs where that can be known.

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Rectangle } from '../../../common/stages.ts';
import { rectangleAt } from '../../../recipes/pipeline/rectangles.ts';
import { bivdiff, createWorkplace, expectOneError, jsonOf, SOURCE } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const SIZE = 128;
const BOX = {
  from: { x: 30, y: 24, width: 64, height: 60 },
  to: { x: 40, y: 30, width: 50, height: 84 },
};
const FRAMES = 3;
const STRIDE = 4;

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace();
});
afterAll(async () => place[Symbol.asyncDispose]());

const flags = (output: string, ...more: readonly string[]): string[] => [
  ...['--task', 'inpainting', '--input', SOURCE, '--frames', String(FRAMES), '--steps', '2'],
  ...['--prompt', '', '--store', place.path('store'), '--frame-batch', '2', '--quiet'],
  ...['--output', place.path('out', output), ...more],
];
const render = (output: string, ...more: readonly string[]) =>
  bivdiff('render', ...flags(output, ...more));

async function digestOf(output: string, ...more: readonly string[]): Promise<string> {
  const run = await render(output, '--json', ...more);
  expect(run.code, run.stderr).toBe(0);
  return jsonOf<{ readonly sha256: string }>(run).sha256;
}

/** A picture that is white in the rectangle. */
async function writeMask(path: string, box: Rectangle | undefined, size = SIZE): Promise<void> {
  const levels = new Uint8Array(size * size);
  if (box !== undefined) {
    for (let y = box.y; y < box.y + box.height; y += 1) {
      levels.fill(255, y * size + box.x, y * size + box.x + box.width);
    }
  }
  const raw = { width: size, height: size, channels: 1 as const };
  await sharp(levels, { raw }).png().toFile(path);
}

/** Of a source's every frame one picture; between those that are taken others, which hide something else. */
async function maskFolder(
  name: string,
  boxAt: (frame: number) => Rectangle | undefined,
): Promise<string> {
  const folder = place.path(name);
  await mkdir(folder);
  for (let frame = 0; frame <= (FRAMES - 1) * STRIDE; frame += 1) {
    const box = frame % STRIDE === 0 ? boxAt(frame / STRIDE) : { ...BOX.from, x: 0 };
    await writeMask(join(folder, `${frame}.png`), box);
  }
  return folder;
}

const textOf = ({ x, y, width, height }: Rectangle): string => [x, y, width, height].join(',');
const asRectangles = ['--mask-rectangle', textOf(BOX.from), '--mask-to', textOf(BOX.to)];

describe('a mask', () => {
  it('hides what a moving rectangle hides, as a folder and as a video', async () => {
    const wanted = await digestOf('moving.mp4', ...asRectangles);
    const folder = await maskFolder('moving', (frame) => rectangleAt(BOX, frame, FRAMES));
    expect(await digestOf('folder.mp4', '--mask', folder)).toBe(wanted);
    const video = place.path('mask.mkv');
    const made = await bivdiff('roundtrip', folder, video, '--quiet');
    expect(made.code, made.stderr).toBe(0);
    const asked = ['plan', ...flags('x', '--mask', video), '--json'];
    const run = await bivdiff(...asked.filter((word) => word !== '--quiet'));
    expect(run.code, run.stderr).toBe(0);
    expect(jsonOf(run)).toMatchObject({
      sources: { mask: { path: video, frames: 9, width: SIZE, height: SIZE } },
    });
  });

  it('of one picture hides the same of every frame', async () => {
    const wanted = await digestOf('still.mp4', ...asRectangles.slice(0, 2));
    await writeMask(place.path('still.png'), BOX.from);
    expect(await digestOf('picture.mp4', '--mask', place.path('still.png'))).toBe(wanted);
    expect(wanted).not.toBe(await digestOf('moving.mp4', ...asRectangles));
  });

  it('of a spec file lies beside it', async () => {
    await writeMask(place.path('beside.png'), BOX.from);
    const spec = ['apiVersion: bivdiff/v1', 'task: inpainting', 'mask: { path: beside.png }'];
    await writeFile(place.path('spec.yaml'), spec.join('\n'));
    const words = flags('still.mp4').slice(2);
    const run = await bivdiff('render', place.path('spec.yaml'), ...words, '--json');
    expect(run.code, run.stderr).toBe(0);
    expect(jsonOf(run)).toMatchObject({ tasks: { run: 0 } });
  });
});

describe('known pixels', () => {
  const pixelsOf = async (folder: string): Promise<Uint8Array[]> =>
    Promise.all(
      Array.from({ length: FRAMES }, async (_, frame) => {
        return sharp(join(folder, `frame-00000${frame + 1}.png`))
          .raw()
          .toBuffer();
      }),
    );

  it('are the source beyond the feather, where they are to be kept', async () => {
    const source = place.path('out', 'source');
    const clip = ['roundtrip', SOURCE, '--frames', String(FRAMES), '--stride', String(STRIDE)];
    const made = await bivdiff(...clip, `${source}/`, '--quiet');
    expect(made.code, made.stderr).toBe(0);
    const known = await pixelsOf(source);
    const [kept, changed] = await Promise.all(
      [['--keep-known', '--feather', '3'], []].map(async (more, index) => {
        const run = await render(`kept-${index}/`, ...asRectangles, ...more);
        expect(run.code, run.stderr).toBe(0);
        return pixelsOf(place.path('out', `kept-${index}`));
      }),
    );
    const differing = (frames: Uint8Array[], isFar: (distance: number) => boolean): number =>
      frames.reduce((sum, pixels, frame) => {
        const box = rectangleAt(BOX, frame, FRAMES);
        return (
          sum +
          pixels.filter((level, i) => {
            const [x, y] = [Math.floor(i / 3) % SIZE, Math.floor(i / 3 / SIZE)];
            const dx = Math.max(box.x - x, 0, x - (box.x + box.width - 1));
            const dy = Math.max(box.y - y, 0, y - (box.y + box.height - 1));
            return isFar(Math.hypot(dx, dy)) && level !== known[frame]![i];
          }).length
        );
      }, 0);
    const beyond = (distance: number): boolean => distance > 3;
    expect(differing(kept!, beyond)).toBe(0);
    expect(differing(kept!, (distance) => distance === 0)).toBeGreaterThan(1000);
    expect(differing(kept!, (distance) => distance > 0 && distance <= 3)).toBeGreaterThan(100);
    expect(differing(changed!, beyond)).toBeGreaterThan(1000);
  });

  it('are put back by tasks of their own: nothing else runs again', async () => {
    const run = await render('again.mp4', ...asRectangles, '--keep-known', '--json');
    expect(run.code, run.stderr).toBe(0);
    const { tasks } = jsonOf<{ tasks: { byStage: Record<string, { run: number }> } }>(run);
    const ran = Object.entries(tasks.byStage).filter((stage) => stage[1].run > 0);
    expect(ran.map(([stage]) => stage)).toEqual(['compose', 'measure', 'assemble']);
  });
});

describe('a mask that does not fit is refused before anything runs:', () => {
  it.each([
    [[], /^error: --mask: missing; .* a mask \(--mask FILE\) or a rectangle \(--mask-rectangle/],
    [['--mask', 'none.png'], /^error: .*none\.png: no such file or folder/],
    [
      ['--mask', 'still.png', '--mask-rectangle', '8,8,16,16'],
      /^error: --mask-rectangle: the mask says what is drawn anew, and so does the rectangle/,
    ],
    [
      ['--mask', 'small.png'],
      /^error: --mask: .*small\.png is 64x64, and .*source\.mp4 128x128; .*sizes have to be equal/,
    ],
    [['--mask', 'short'], /^error: --mask: .*short has 2 frames, but 9 are needed for 3 frames/],
    [['--mask', 'note.txt'], /^error: note\.txt is not a video or picture that can be read/],
    [
      ['--mask-rectangle', '8,8,16,16', '--feather', '2'],
      /^error: --feather: without --keep-known/,
    ],
    [
      ['--mask-rectangle', '8,8,16,16', '--keep-known', '--feather', '65'],
      /^error: --feather: expected 0 to 64, got 65/,
    ],
  ])('%j', async (words, message) => {
    await using other = await createWorkplace();
    await writeMask(other.path('still.png'), BOX.from);
    await writeMask(other.path('small.png'), { x: 1, y: 1, width: 9, height: 9 }, 64);
    await mkdir(other.path('short'));
    for (const name of ['1.png', '2.png'])
      await copyFile(other.path('still.png'), other.path('short', name));
    await writeFile(other.path('note.txt'), 'no picture');
    const named = words.map((word, i) => (words[i - 1] === '--mask' ? other.path(word) : word));
    const own = flags('refused.mp4', ...named).map((word) =>
      word === place.path('store') ? other.path('store') : word,
    );
    expectOneError(await bivdiff('render', ...own), message);
    expect(await place.outputs()).not.toContain('refused.mp4');
  });
});

describe('a mask that turns out to be wrong fails the render, by its name:', () => {
  it('without white in some frame', async () => {
    const folder = await maskFolder('dark', (frame) => (frame === 1 ? undefined : BOX.from));
    const run = await render('dark.mp4', '--mask', folder);
    expectOneError(
      run,
      /generate of frames 0 to 1 failed: .*the mask of frame 1 has no white pixel/,
    );
    expect(run.stderr).toContain('Is it inverted?');
  });

  it('damaged', async () => {
    const folder = await maskFolder('torn', () => BOX.from);
    const whole = await readFile(join(folder, '8.png'));
    await writeFile(join(folder, '8.png'), whole.subarray(0, whole.length - 30));
    const run = await render('torn.mp4', '--mask', folder);
    expectOneError(run, /ingest of frame 2 failed: torn\/8\.png is damaged, or no picture/);
  });

  it('the file that shall be written', async () => {
    await writeMask(place.path('own.png'), BOX.from);
    const run = await render(
      'x.mp4',
      '--mask',
      place.path('own.png'),
      '--contact-sheet',
      place.path('own.png'),
    );
    expectOneError(
      run,
      /^error: --contact-sheet: .*own\.png is the mask, which an output shall not replace/,
    );
  });
});
