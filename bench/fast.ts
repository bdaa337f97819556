// What steps cost that use deep features again and lose their guidance, and what they change: the shipped examples by each setting, in one run.

import { join } from 'node:path';

import { measureStepShares } from './step-shares.ts';
import { runRender } from './render-process.ts';
import type { RenderRun } from './render-process.ts';

const models = join(import.meta.dirname, '../models/demo');
const examples = join(import.meta.dirname, '../examples');
const CLIPS = [
  { file: 'source.mp4', prompt: 'a green star moving right on a white background' },
  { file: 'source-2.mp4', prompt: 'a red circle moving down on a gray background' },
];
const SETTINGS: readonly (readonly string[])[] = [
  [],
  ['--guidance-end', '0.8'],
  ['--cache-interval', '2'],
  ['--cache-interval', '3'],
  ['--cache-interval', '5'],
  ['--fast'],
];

export interface FastFigures {
  readonly setting: string;
  /** Of both clips, inside ONNX Runtime. */
  readonly generateSeconds: number;
  readonly smoothSeconds: number;
  /** Means of both clips. */
  readonly flicker: number;
  readonly edgeF1: number;
  readonly drift: number;
}

/** `say` is told of each as it is there. */
export async function compareFast(
  folder: string,
  say: (line: string) => void,
): Promise<readonly FastFigures[]> {
  for (const { graph, wholeMs, shallowMs } of await measureStepShares(models)) {
    const share = (shallowMs / wholeMs).toFixed(2);
    say(
      `${graph}: a step of cached features ${shallowMs.toFixed(1)} ms, a whole one ${wholeMs.toFixed(1)}: ${share}`,
    );
  }
  const all: FastFigures[] = [];
  // Files are read from the disk and code is compiled once, by no setting that is measured.
  await renderOf(CLIPS[0]!, join(folder, 'fast-first'), ['--steps', '2']);
  for (const [index, setting] of SETTINGS.entries()) {
    const runs: RenderRun[] = [];
    for (const clip of CLIPS) {
      runs.push(await renderOf(clip, join(folder, `fast-${index}-${clip.file}`), setting));
    }
    const figures = figuresOf(setting, runs);
    all.push(figures);
    say(lineOf(figures, all[0]!));
  }
  return all;
}

async function renderOf(
  { file, prompt }: (typeof CLIPS)[number],
  place: string,
  setting: readonly string[],
): Promise<RenderRun> {
  return runRender([
    ...['--task', 'controlnet', '--control', 'canny', '--input', join(examples, file)],
    ...['--frames', '8', '--prompt', prompt, '--slots', '1'],
    ...['--store', `${place}-store`, '--output', `${place}.mp4`, ...setting],
  ]);
}

function figuresOf(setting: readonly string[], runs: readonly RenderRun[]): FastFigures {
  const sum = (of: (run: RenderRun) => number): number =>
    runs.reduce((all, run) => all + of(run), 0);
  const busy = (stage: string): number =>
    sum(({ report }) => report.manifest.stages[stage]!.busySeconds);
  const mean = (of: (metrics: RenderRun['report']['metrics']) => number): number =>
    sum(({ report }) => of(report.metrics)) / runs.length;
  return {
    setting: setting.join(' ') || 'as it is',
    generateSeconds: busy('generate'),
    smoothSeconds: busy('smooth'),
    flicker: mean(({ flicker }) => flicker.smoothed),
    edgeF1: mean(({ edgeF1 }) => edgeF1.smoothed),
    drift: mean(({ drift }) => drift),
  };
}

function lineOf(figures: FastFigures, usual: FastFigures): string {
  const { setting, generateSeconds, smoothSeconds, flicker, edgeF1, drift } = figures;
  const share = (part: number, whole: number): string => (part / whole).toFixed(2);
  return (
    `${setting}: drawing ${share(generateSeconds, usual.generateSeconds)} and smoothing ` +
    `${share(smoothSeconds, usual.smoothSeconds)} of the time ` +
    `(${generateSeconds.toFixed(1)} and ${smoothSeconds.toFixed(1)} s), ` +
    `flicker ${flicker.toFixed(2)}, edge F1 ${edgeF1.toFixed(3)}, drift ${drift.toFixed(1)}`
  );
}
