// `npm run demo`: renders the example clip with the models that ship, into out/demo/, and says what came of it. It is
// the ordinary command line with a store of its own, so a second run computes nothing.

import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';

import { formatFigure, formatSeconds } from '../cli/output/format.ts';
import { processEnvironment } from '../cli/process-environment.ts';
import { runCommandLine } from '../cli/program.ts';
import type { RenderReport } from '../cli/local/render-to-files.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'out/demo');
const PROMPT = 'a green star moving right on a white background';
/** Frames are drawn in tasks of four: two slots draw the eight of the demo at once. */
const SLOTS_MAX = 2;

const files = {
  output: join(folder, 'clip.mp4'),
  comparison: join(folder, 'comparison.mp4'),
  'contact-sheet': join(folder, 'contact-sheet.png'),
  report: join(folder, 'report.json'),
} as const;

const words = [
  ...['render', '--task', 'controlnet', '--control', 'canny'],
  ...['--input', join(root, 'examples/source.mp4'), '--frames', '8', '--stride', '4'],
  ...['--size', '128x128', '--prompt', PROMPT, '--seed', '42', '--fps', '8'],
  ...['--slots', String(Math.min(SLOTS_MAX, availableParallelism()))],
  ...['--store', join(folder, 'store'), '--overwrite'],
  ...Object.entries(files).flatMap(([flag, path]) => [`--${flag}`, path]),
];

console.log(`demo: "${PROMPT}", 8 frames, steered by the outlines of examples/source.mp4`);
// The report says it all below; what the command prints for itself is not needed twice.
const environment = { ...processEnvironment(), stdout: { write: () => true } };
process.exitCode = await runCommandLine(words, environment);
if (process.exitCode === 0) {
  console.log(ending(JSON.parse(await readFile(files.report, 'utf8')) as RenderReport));
}

function ending(report: RenderReport): string {
  const { tasks, metrics, wallSeconds } = report;
  const figure = (value: number | null): string => formatFigure(value ?? undefined);
  const near = (path: string): string => relative(process.cwd(), path);
  const { flicker, edgeF1, drift } = metrics;
  const again =
    tasks.reused > 0
      ? 'What an earlier run left in out/demo/store was reused; remove out/demo to start afresh.'
      : 'Run it again: everything is in out/demo/store now, and nothing is computed twice.';
  return `
video          ${near(files.output)}
side by side   ${near(files.comparison)}  (control | frame by frame | smoothed)
contact sheet  ${near(files['contact-sheet'])}
report         ${near(files.report)}

                         frame by frame   smoothed
flicker (less: steadier)         ${figure(flicker.generated)}     ${figure(flicker.smoothed)}${flickerWords(flicker)}
edge F1 (1: as the control)      ${figure(edgeF1.generated)}     ${figure(edgeF1.smoothed)}
drift of the colours                          ${figure(drift)}

tasks: ${tasks.run} run, reused: ${tasks.reused}, in ${formatSeconds(wallSeconds)}
${again}`;
}

function flickerWords({ generated, smoothed }: RenderReport['metrics']['flicker']): string {
  if (generated === null || smoothed === null || smoothed === 0) return '';
  const ratio = generated / smoothed;
  return ratio >= 1
    ? `   (${ratio.toFixed(1)} times less)`
    : `   (${(1 / ratio).toFixed(1)} times more)`;
}
