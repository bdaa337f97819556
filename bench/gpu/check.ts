// What a device gives and takes: `scripts/gpu-check.sh` runs it from its bundle. Prints tables, and writes them as Markdown with --out.
//   parity     every shipped graph on the device beside the processor, in float32 and, where the bundle has it, computed in float16
//   demo       the example clip on the device, its figures beside those of the processor's
//   full size  seconds and memory of a step of Stable Diffusion 1.5's UNet and ZeroScope's, weights made up here
//              (in float32 and in float16)
// Ends with exit code 1 if a graph differs by more than it may, or a section could not run.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { formatBytes, formatTable } from '../../cli/output/format.ts';
import { BivdiffError } from '../../common/errors.ts';
import { NODE_FLAGS } from '../../common/node-flags.ts';
import { openDevice } from '../../workers/inference/device.ts';
import { timeFullSize } from './full-size.ts';
import { compareGraphs } from './parity.ts';

/** Of an output's greatest value. TF32 rounds to 10 bits of fraction. */
const DIFFERENCE_MAX = 2e-2;
const DEMO_MS = 240_000;
const root = join(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cuda' },
    full: { type: 'string' },
    out: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    /** Sizes that a processor can do in the time. */
    small: { type: 'boolean', default: false },
  },
});
const { device } = values;
const threads = availableParallelism();
const said: string[] = [];

await section('device', async () => {
  const { inferenceClass, memoryBytes } = await openDevice(device);
  return `${device}: ${inferenceClass}; models may fill ${formatBytes(memoryBytes)} of it\n`;
});
await section('every shipped graph, beside the processor', async () => {
  const rows: string[][] = [];
  for await (const one of compareGraphs(join(root, 'models/demo'), { device, threads })) {
    const { graph, processorSeconds, device: whole, half } = one;
    rows.push([
      ...[graph, ms(processorSeconds)],
      ...[judged(whole.difference), ms(whole.seconds)],
      ...(half === undefined ? ['-', '-'] : [judged(half.difference), ms(half.seconds)]),
    ]);
  }
  const columns = [`${device}: difference`, 'ms', 'in float16: difference', 'ms'];
  return formatTable(['graph', 'processor, ms', ...columns], rows);
});
await section('the demo', async () => {
  const rows = [await demo('cpu')];
  if (device !== 'cpu') rows.push(await demo(device));
  return formatTable(['device', 'seconds', 'flicker drawn', 'smoothed', 'edge F1'], rows);
});
if (values.full !== undefined && existsSync(values.full)) {
  const folder = values.full;
  await section('graphs of the real size, both halves of guidance', async () => {
    const rows: string[][] = [];
    const rounds = Number(values.rounds);
    for await (const one of timeFullSize({ folder, device, threads, rounds, sizes: sizes() })) {
      const { graph, form, size, loadSeconds, stepSeconds, loadedBytes, runBytes } = one;
      rows.push([
        ...[graph, size, form, judged(one.difference)],
        ...[loadSeconds.toFixed(1), ms(stepSeconds)],
        ...[formatBytes(loadedBytes), formatBytes(runBytes)],
      ]);
    }
    const what = ['graph', 'size', 'computes in', 'difference'];
    return formatTable([...what, 'load, s', 'step, ms', 'loaded', 'after a run'], rows);
  });
}
if (values.out !== undefined) await writeFile(values.out, said.join('\n'));

/** What one section cannot do keeps none of the others from what they can. */
async function section(title: string, run: () => Promise<string>): Promise<void> {
  const begunMs = performance.now();
  let text: string;
  try {
    text = await run();
  } catch (reason) {
    process.exitCode = 1;
    text = `failed: ${reason instanceof Error ? reason.message : String(reason)}\n`;
  }
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
  said.push(`## ${title} (${seconds} s)\n\n\`\`\`\n${text}\`\`\`\n`);
  process.stdout.write(`\n${title} (${seconds} s)\n\n${text}`);
}

function sizes() {
  // As the models were trained: 512x512; 24 frames of 576x320.
  if (!values.small) {
    return {
      'sd15-unet': { batch: 2, frames: 1, height: 64, width: 64 },
      'zeroscope-unet': { batch: 2, frames: 24, height: 40, width: 72 },
    };
  }
  return {
    'sd15-unet': { batch: 2, frames: 1, height: 32, width: 32 },
    'zeroscope-unet': { batch: 1, frames: 2, height: 16, width: 16 },
  };
}

/** A row of figures. @throws internal — it failed, with what it said */
async function demo(where: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-gpu-'));
  const report = join(folder, 'report.json');
  const words = [
    ...['render', '--device', where, '--task', 'controlnet', '--control', 'canny'],
    ...['--input', join(root, 'examples/source.mp4'), '--frames', '8', '--stride', '4'],
    ...['--size', '128x128', '--prompt', 'a green star moving right on a white background'],
    ...['--seed', '42', '--store', join(folder, 'store'), '--report', report, '--quiet'],
    ...['--output', join(folder, 'clip.mp4')],
  ];
  const program = [...NODE_FLAGS, join(root, 'cli/main.ts')];
  try {
    const run = spawnSync(process.execPath, [...program, ...words], { timeout: DEMO_MS });
    if (run.status !== 0) {
      throw new BivdiffError('internal', run.stderr.toString() || 'the demo took too long');
    }
    const { wallSeconds, metrics } = JSON.parse(await readFile(report, 'utf8')) as Report;
    const { flicker, edgeF1 } = metrics;
    const figures = [wallSeconds, flicker.generated, flicker.smoothed, edgeF1.smoothed];
    return [where, ...figures.map((figure) => figure.toFixed(3))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Report {
  readonly wallSeconds: number;
  readonly metrics: {
    readonly flicker: { readonly generated: number; readonly smoothed: number };
    readonly edgeF1: { readonly smoothed: number };
  };
}

/** As it is shown. One that is too great, or no number, fails the whole check. */
function judged(difference: number): string {
  if (!(difference <= DIFFERENCE_MAX)) process.exitCode = 1;
  return difference.toExponential(1);
}

function ms(seconds: number): string {
  return (seconds * 1000).toFixed(1);
}
