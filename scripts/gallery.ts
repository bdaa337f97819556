// `npm run gallery`: renders every task with every video model that ships on an example clip and on one drawn anew, and puts all of it on one sheet
// per clip, to be looked at. Each task is a sweep over the video models with a store in common, so a second run computes nothing.
//
//     npm run gallery -- [--out DIR] [--models DIR] [--steps N] [--clip DIR ...]
//
// A clip's folder is as `python -m export.held_out` writes it: frames/, mask/ and clip.json. Without --clip it is the shipped one.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { processEnvironment } from '../cli/process-environment.ts';
import { runCommandLine } from '../cli/program.ts';
import { decodePng, encodePng } from '../workers/media/pixels/png.ts';
import { composeContactSheet, type SheetRow } from '../workers/vision/panels.ts';

const root = join(import.meta.dirname, '..');

/** What a clip shows, in the words of the models that ship. */
interface Shown {
  readonly color: string;
  readonly shape: string;
  readonly direction: string;
  readonly background: string;
}

interface Clip {
  readonly name: string;
  readonly shown: Shown;
  /** Colour and background that edits ask for. */
  readonly wanted: Pick<Shown, 'color' | 'background'>;
  readonly input: string;
  readonly mask: string;
  readonly stride: number;
}

/** Of the sweeps' tables, what is gathered here. */
interface SweepTable {
  readonly rows: readonly {
    readonly videoModel: string;
    readonly metrics: {
      readonly flicker: { readonly generated: number; readonly smoothed: number };
    };
  }[];
}

const SHIPPED: Clip = {
  name: 'example',
  shown: { color: 'red', shape: 'star', direction: 'right', background: 'gray' },
  wanted: { color: 'green', background: 'white' },
  input: join(root, 'examples/source.mp4'),
  mask: join(root, 'examples/mask.mp4'),
  stride: 4,
};

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'out/gallery') },
    models: { type: 'string', default: join(root, 'models/demo') },
    steps: { type: 'string', default: '50' },
    clip: { type: 'string', multiple: true, default: [] },
  },
});
const out = resolve(options.out);
await mkdir(out, { recursive: true });
for (const clip of [SHIPPED, ...(await Promise.all(options.clip.map(readClip)))]) {
  await renderClip(clip);
}

async function readClip(folder: string): Promise<Clip> {
  const said = JSON.parse(await readFile(join(folder, 'clip.json'), 'utf8')) as Pick<
    Clip,
    'shown' | 'wanted'
  >;
  const [input, mask] = [join(folder, 'frames'), join(folder, 'mask')];
  return { name: basename(resolve(folder)), ...said, input, mask, stride: 1 };
}

function captionOf({ color, shape, direction, background }: Shown): string {
  return `a ${color} ${shape} moving ${direction} on a ${background} background`;
}

/** Flags of every task, by the name of its row. */
function tasksOf({ shown, wanted, mask }: Clip): Readonly<Record<string, readonly string[]>> {
  const [source, recoloured] = [captionOf(shown), captionOf({ ...shown, color: wanted.color })];
  const controlled = (task: string, control: string): readonly string[] => [
    ...['--task', task, '--control', control, '--prompt', captionOf({ ...shown, ...wanted })],
  ];
  const led = ['--guidance-scale', '5', '--cross-replace', '0.8', '--self-replace', '0.8'];
  const blended = [
    '--blend-words',
    shown.shape,
    '--blend-threshold',
    '0.9',
    '--mixing-ratio',
    '0.25',
  ];
  const edited = ['--task', 'prompt-to-prompt', ...led, ...blended];
  return {
    'controlnet canny': controlled('controlnet', 'canny'),
    'controlnet depth': controlled('controlnet', 'depth'),
    'controlnet pose': controlled('controlnet', 'pose'),
    'controlnet canny,depth': controlled('controlnet', 'canny,depth'),
    't2i-adapter canny': controlled('t2i-adapter', 'canny'),
    't2i-adapter depth': controlled('t2i-adapter', 'depth'),
    'instruct-pix2pix': [
      ...['--task', 'instruct-pix2pix', '--prompt', `make it ${wanted.color}`],
      ...['--video-prompt', recoloured],
    ],
    'prompt-to-prompt replace': [...edited, '--source-prompt', source, '--prompt', recoloured],
    'prompt-to-prompt refine': [
      ...[...edited, '--edit', 'refine', '--prompt', recoloured],
      ...['--source-prompt', source.replace(`${shown.color} `, '')],
    ],
    'inpainting, removed': ['--task', 'inpainting', '--mask', mask, '--prompt', ''],
    'inpainting, drawn anew': ['--task', 'inpainting', '--mask', mask, '--prompt', recoloured],
    outpainting: [
      ...['--task', 'outpainting', '--outpaint', 'vertical', '--prompt', ''],
      ...['--video-prompt', source, '--guidance-scale', '1'],
    ],
    frames: ['--task', 'frames', '--prompt', source],
  };
}

/** Sweeps every task over the video models; writes CLIP.png and CLIP.json into the folder. */
async function renderClip(clip: Clip): Promise<void> {
  const rows: SheetRow[] = [];
  const flicker: Record<string, Record<string, number>> = {};
  for (const [name, flags] of Object.entries(tasksOf(clip))) {
    const output = join(out, clip.name, name.replaceAll(/[^a-z0-9]+/g, '-'));
    const words = [
      ...['sweep', '--video-model', 'shapes3d,vidrd,animatediff', '--models', options.models],
      ...['--input', clip.input, '--stride', String(clip.stride), '--frames', '8', ...flags],
      ...[
        '--steps',
        options.steps,
        '--store',
        join(out, 'store'),
        '--output',
        output,
        '--overwrite',
      ],
    ];
    const silent = { ...processEnvironment(), stdout: { write: () => true } };
    const code = await runCommandLine(words, silent);
    if (code !== 0) process.exitCode = code;
    if (code !== 0) continue;
    const table = JSON.parse(await readFile(join(output, 'table.json'), 'utf8')) as SweepTable;
    flicker[name] = flickerOf(table);
    console.log(clip.name, name, JSON.stringify(flicker[name]));
    const sheet = await decodePng(await readFile(join(output, 'contact-sheet.png')));
    rows.push({ label: name, frames: [sheet] });
  }
  const picture = join(out, `${clip.name}.png`);
  await writeFile(picture, await encodePng(composeContactSheet(rows)));
  await writeFile(join(out, `${clip.name}.json`), `${JSON.stringify(flicker, null, 2)}\n`);
  console.log(relative(process.cwd(), picture));
}

/** Flicker of the frames as drawn, and after smoothing by each video model. */
function flickerOf({ rows }: SweepTable): Record<string, number> {
  const smoothed = rows.map((row) => [row.videoModel, row.metrics.flicker.smoothed] as const);
  const byModel = Object.fromEntries(smoothed) as Record<string, number>;
  return { drawn: rows[0]!.metrics.flicker.generated, ...byModel };
}
