// `npm run bench`: the project's figures, in one run on one machine. `--only planning,commits,...` runs some of them, `--json` prints JSON.
//   python    ms per UNet step and whole-clip time beside the same models in a diffusers loop, as a ratio
//   overhead  share of wall time outside ONNX Runtime and codecs
//   planning  tasks planned per second; commits  results committed per second; messages  bytes and microseconds of each on the bus
//   scrape    a scrape of a coordinator's metrics with 1,000 workers and 2,000 jobs, beside 10 and 20
//   memory    peak memory at 8, 64 and 512 frames
//   vae       eight frames of 512x512 encoded and decoded, beside each frame computed twice, as a ratio
//   forecast  what `bivdiff plan` foretells at sizes that were not rendered yet, beside what they take
//   fast      drawing and smoothing with cached features and guidance that ends: time beside the usual, and what it changes
//   graph-memory  of each graph what the estimate says beside what ONNX Runtime takes; with --models DIR of another set
//   memory-forecast  what `bivdiff plan` foretells of memory beside what renders take; with --models DIR of another set
//   real-size  the same for the set of --models DIR, whose models have the real size (docs/models.md); takes an hour and 20 GB of disk
//   media     a clip to RGB and back to H.264 beside the ffmpeg program, as a ratio
//   half-hour 45,000 frames with sound by bivdiff roundtrip beside the ffmpeg program, as a ratio
//   scaler    a simulated day with bursts: GPU-seconds of the scaler, KEDA and an HPA beside the least that is possible

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { writeClip } from './clips.ts';
import { measureCommits } from './commits.ts';
import { compareFast } from './fast.ts';
import { compareForecast } from './forecast.ts';
import { measureGraphLoading } from './graph-loading.ts';
import { compareMemory } from './memory-forecast.ts';
import { measureGraphs } from './graph-memory.ts';
import { measureMessages } from './messages.ts';
import { measurePlanning } from './planning.ts';
import { compareFfmpeg, compareHalfHour } from './media.ts';
import { comparePython } from './python.ts';
import { compareScalers, scaledDayText } from './scaler.ts';
import type { ScaledDay } from './scaler.ts';
import { runRender } from './render-process.ts';
import { measureScrape } from './scrape.ts';
import { measureVae } from './vae.ts';

const SECTIONS = [
  'planning',
  'commits',
  'messages',
  'scrape',
  'python',
  'overhead',
  'memory',
  'vae',
  'forecast',
  'fast',
  'graph-memory',
  'memory-forecast',
  'real-size',
  'media',
  'half-hour',
  'scaler',
] as const;
type Section = (typeof SECTIONS)[number];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    models: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const chosen = (values.only?.split(',') ?? SECTIONS) as Section[];
const results: Record<string, unknown> = { machine: machine() };
const folder = await mkdtemp(join(tmpdir(), 'bivdiff-bench-'));

const sections: Readonly<Record<Section, () => Promise<void>>> = {
  planning: async () => {
    measurePlanning(10_000);
    for (const frames of [1_000, 100_000]) {
      const figures = measurePlanning(frames);
      say(
        `planning   ${frames} frames: ${figures.tasks} tasks, ${Math.round(figures.tasksPerSecond)} tasks/s, ids ${figures.idsDigest.slice(0, 16)}`,
      );
      results[`planning${frames}`] = figures;
    }
    return Promise.resolve();
  },
  commits: async () => {
    const figures = await measureCommits(20_000);
    say(
      `commits    ${Math.round(figures.commitsPerSecond)} results/s to the file store (artifact of 4 KiB + record)`,
    );
    results['commits'] = figures;
  },
  messages: async () => {
    const figures = measureMessages();
    const us = (value: number): string => value.toFixed(1);
    for (const one of figures) {
      say(
        `messages   ${one.what}: ${one.bytes} bytes, written in ${us(one.encodeUs)} us, read in ${us(one.decodeUs)}; ` +
          `as JSON ${one.jsonBytes} bytes, ${us(one.jsonEncodeUs)}, ${us(one.jsonDecodeUs)}`,
      );
    }
    results['messages'] = figures;
    return Promise.resolve();
  },
  scrape: async () => {
    const figures = [await measureScrape(10, 20), await measureScrape(1_000, 2_000)];
    for (const { workers, jobs, active, bytes, medianMs, maxMs } of figures) {
      say(
        `scrape     ${workers} workers, ${jobs} jobs, ${active} active: median ${medianMs.toFixed(1)} ms, ` +
          `at most ${maxMs.toFixed(1)} ms, ${bytes} bytes`,
      );
    }
    results['scrape'] = figures;
  },
  python: async () => {
    const figures = await comparePython(folder);
    if (figures === undefined) return;
    for (const line of figures.lines) say(`python     ${line}`);
    results['python'] = figures;
  },
  overhead: async () => {
    const run = await renderOf(64, { steps: 50, slots: 1, name: 'overhead' });
    const busy = Object.values(run.report.manifest.stages).reduce(
      (sum, stage) => sum + stage.busySeconds,
      0,
    );
    const { wallSeconds: wall } = run.report;
    const loading = await measureGraphLoading();
    const share = 1 - (busy + loading) / wall;
    const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
    say(
      `overhead   64 frames, 1 lane: ${percent(share)} of ${wall.toFixed(1)} s outside ONNX Runtime and codecs; ` +
        `ONNX Runtime runs graphs and codecs work ${percent(busy / wall)}, loading graphs ${percent(loading / wall)}`,
    );
    const { p99Ms, maxMs } = run.loopDelay;
    say(
      `overhead   main thread kept from other work: p99 ${p99Ms.toFixed(1)} ms, at most ${maxMs.toFixed(1)} ms`,
    );
    results['overhead'] = {
      loopDelay: run.loopDelay,
      share,
      busySeconds: busy,
      loadingSeconds: loading,
      wallSeconds: wall,
      stages: run.report.manifest.stages,
    };
  },
  memory: async () => {
    const peaks: Record<string, number> = {};
    for (const frames of [8, 64, 512]) {
      const run = await renderOf(frames, { steps: 2, slots: 2, name: `memory-${frames}` });
      peaks[frames] = run.peakBytes;
      say(`memory     ${frames} frames: peak ${(run.peakBytes / 2 ** 20).toFixed(0)} MiB`);
    }
    say(`memory     512 frames take ${(peaks[512]! / peaks[64]!).toFixed(2)} times the peak of 64`);
    results['memory'] = peaks;
  },
  vae: async () => {
    const figures = await measureVae();
    say(
      `vae        8 frames of 512x512, 2 threads: encode ${figures.encodeSeconds.toFixed(2)} s, decode ${figures.decodeSeconds.toFixed(2)} s; ` +
        `${figures.ratio.toFixed(2)} of each frame computed twice; one thread gives ${figures.isSameWithOneThread ? 'the same' : 'OTHER'} bytes`,
    );
    results['vae'] = figures;
  },
  forecast: async () => {
    results['forecast'] = await compareForecast(folder, (line) => say(`forecast   ${line}`));
  },
  fast: async () => {
    results['fast'] = await compareFast(folder, (line) => say(`fast       ${line}`));
  },
  'graph-memory': async () => {
    const told = (line: string): void => say(`graph-memory ${line}`);
    results['graph-memory'] = await measureGraphs({ models: values.models, say: told });
  },
  'memory-forecast': async () => {
    const told = (line: string): void => say(`memory-forecast ${line}`);
    results['memory-forecast'] = await compareMemory(folder, { models: values.models, say: told });
  },
  'real-size': async () => {
    const { models } = values;
    const told = (line: string): void => say(`real-size  ${line}`);
    if (models === undefined) told('left out: it takes a set, --models DIR');
    else
      results['real-size'] = await compareMemory(folder, { models, isRealSize: true, say: told });
  },
  media: async () => {
    const figures = await compareFfmpeg(folder);
    if (figures === undefined) return;
    for (const line of figures.lines) say(`media      ${line}`);
    results['media'] = figures;
  },
  'half-hour': async () => {
    const figures = compareHalfHour(folder);
    if (figures === undefined) return Promise.resolve();
    for (const { line } of figures) say(`half-hour  ${line}`);
    results['half-hour'] = figures;
    return Promise.resolve();
  },
  scaler: async () => {
    const days: ScaledDay[] = [];
    for await (const day of compareScalers()) {
      days.push(day);
      say(`scaler     ${scaledDayText(day)}`);
    }
    results['scaler'] = days;
  },
};

try {
  say(JSON.stringify(results['machine']));
  for (const section of chosen) await sections[section]();
  if (values.json) console.log(JSON.stringify(results, undefined, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function renderOf(
  frames: number,
  options: { readonly steps: number; readonly slots: number; readonly name: string },
) {
  const clip = join(folder, `${options.name}.mp4`);
  await writeClip(clip, frames);
  return runRender([
    ...['--task', 'controlnet', '--control', 'canny', '--input', clip, '--stride', '1'],
    ...[
      '--frames',
      String(frames),
      '--steps',
      String(options.steps),
      '--slots',
      String(options.slots),
    ],
    ...['--prompt', 'a red square moving right on a gray background', '--mixing-ratio', '0.5'],
    ...[
      '--store',
      join(folder, `${options.name}-store`),
      '--output',
      join(folder, `${options.name}-out.mp4`),
    ],
  ]);
}

function machine(): Record<string, unknown> {
  return {
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

function say(line: string): void {
  if (!values.json) console.log(line);
  else console.error(line);
}
