// Bench (a): our pipeline beside the same models in a Python diffusers loop, in turn, with as many threads. Needs a Python with
// torch and diffusers (models/requirements.txt): $BIVDIFF_PYTHON, else python3. Loading is counted for us, not for Python.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { BivdiffError } from '../common/errors.ts';
import { writeClip } from './clips.ts';
import { runRender } from './render-process.ts';

const ROUNDS = 3;
const FRAMES = 8;
const STEPS = 50;
const PROMPT = 'a red square moving right on a gray background';
const GUIDANCE = { image: 5, video: 2, ratio: 0.5 };
const STEPPED = ['generate', 'invert-image', 'invert-video', 'smooth'] as const;

interface Seconds {
  readonly seconds: number;
  readonly secondsByStage: Readonly<Record<string, number>>;
}

export interface PythonFigures {
  readonly ratio: number;
  readonly ours: readonly Seconds[];
  readonly python: readonly Seconds[];
  readonly lines: readonly string[];
}

/** Undefined where there is no Python to compare with; says so. */
export async function comparePython(folder: string): Promise<PythonFigures | undefined> {
  const python = process.env['BIVDIFF_PYTHON'] ?? 'python3';
  if (spawnSync(python, ['-c', 'import torch, diffusers, cv2']).status !== 0) {
    console.error(
      `python     skipped: ${python} has no torch, diffusers and cv2 (pip install -r models/requirements.txt; BIVDIFF_PYTHON)`,
    );
    return undefined;
  }
  const clip = join(folder, 'python.mp4');
  await writeClip(clip, FRAMES);
  const ours: Seconds[] = [];
  const theirs: Seconds[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(await runOurs(clip, join(folder, `python-${round}`)));
    theirs.push(runPython(python));
  }
  const ratio = median(ours.map((run) => run.seconds)) / median(theirs.map((run) => run.seconds));
  const lines = [
    `whole clip, ${FRAMES} frames, ${STEPS} steps: ours ${median(ours.map((run) => run.seconds)).toFixed(1)} s, diffusers ${median(theirs.map((run) => run.seconds)).toFixed(1)} s, ratio ${ratio.toFixed(2)}`,
    ...STEPPED.map((stage) => {
      const [one, other] = [ours, theirs].map((runs) =>
        median(runs.map((run) => (1000 * (run.secondsByStage[stage] ?? 0)) / STEPS)),
      );
      return `${stage}: ours ${one!.toFixed(1)} ms per step, diffusers ${other!.toFixed(1)} ms, ratio ${(one! / other!).toFixed(2)}`;
    }),
  ];
  return { ratio, ours, python: theirs, lines };
}

async function runOurs(clip: string, name: string): Promise<Seconds> {
  const run = await runRender([
    ...['--task', 'controlnet', '--control', 'canny', '--input', clip, '--stride', '1'],
    ...['--frames', String(FRAMES), '--steps', String(STEPS), '--frame-batch', String(FRAMES)],
    ...['--slots', '1', '--prompt', PROMPT, '--mixing-ratio', String(GUIDANCE.ratio)],
    ...[
      '--guidance-scale',
      String(GUIDANCE.image),
      '--video-guidance-scale',
      String(GUIDANCE.video),
    ],
    ...['--store', `${name}-store`, '--output', `${name}.mp4`],
  ]);
  const { wallSeconds } = run.report;
  const stages = Object.entries(run.report.manifest.stages);
  return {
    seconds: wallSeconds,
    secondsByStage: Object.fromEntries(
      stages.map(([stage, { busySeconds }]) => [stage, busySeconds]),
    ),
  };
}

function runPython(python: string): Seconds {
  const root = join(import.meta.dirname, '..');
  const { stdout, stderr, status } = spawnSync(
    python,
    [
      join(root, 'bench/diffusers_loop.py'),
      ...['--path', join(root, 'models'), '--frames', String(FRAMES), '--steps', String(STEPS)],
      ...['--threads', String(availableParallelism()), '--prompt', PROMPT],
      ...['--guidance', String(GUIDANCE.image), '--video-guidance', String(GUIDANCE.video)],
      ...['--ratio', String(GUIDANCE.ratio)],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new BivdiffError('internal', `the diffusers loop failed: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Seconds;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
