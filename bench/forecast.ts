// What `bivdiff plan` foretells beside what the render then takes: after one render, at other sizes and other numbers of steps. Each in a
// store of its own, its one earlier render just before it, so that other load of the machine meets both alike.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { writeClip } from './clips.ts';
import { runRender } from './render-process.ts';
import type { RenderRun } from './render-process.ts';

const FRAMES = 8;
const KNOWN = { size: '128x128', steps: 6 };
const OTHERS = [
  { size: '128x128', steps: 20 },
  { size: '192x192', steps: 6 },
  { size: '256x256', steps: 3 },
  { size: '256x256', steps: 6 },
];
const cli = join(import.meta.dirname, '../cli/main.ts');

export interface ForecastFigures {
  readonly size: string;
  readonly steps: number;
  readonly foretoldSeconds: number;
  readonly takenSeconds: number;
  /** Foretold over taken; and the same if both renders had had the processors to themselves alike. */
  readonly ratio: number;
  readonly processorRatio: number;
}

/** `say` is told of each as it is there. */
export async function compareForecast(
  folder: string,
  say: (line: string) => void,
): Promise<readonly ForecastFigures[]> {
  const clip = join(folder, 'forecast.mp4');
  await writeClip(clip, FRAMES);
  const renders: ForecastFigures[] = [];
  say(`after ${FRAMES} frames of ${KNOWN.size}, ${KNOWN.steps} steps`);
  for (const [i, other] of OTHERS.entries()) {
    const store = join(folder, `forecast-store-${i}`);
    const flagsOf = ({ size, steps }: typeof KNOWN): string[] => [
      ...['--task', 'controlnet', '--control', 'canny', '--input', clip, '--stride', '1'],
      ...['--frames', String(FRAMES), '--size', size, '--steps', String(steps)],
      ...['--prompt', 'a red square', '--mixing-ratio', '0.5', '--slots', '1', '--store', store],
    ];
    const output = (name: string): string[] => ['--output', join(folder, `${name}-${i}.mp4`)];
    const known = await runRender([...flagsOf(KNOWN), ...output('known')]);
    const foretoldSeconds = foretell(flagsOf(other));
    const taken = await runRender([...flagsOf(other), ...output('other')]);
    const ratio = foretoldSeconds / taken.report.wallSeconds;
    const figures = {
      ...{ ...other, foretoldSeconds, takenSeconds: taken.report.wallSeconds, ratio },
      processorRatio: (ratio * shareOf(known)) / shareOf(taken),
    };
    renders.push(figures);
    say(lineOf(figures));
  }
  return renders;
}

function lineOf(render: ForecastFigures): string {
  const { size, steps, foretoldSeconds, takenSeconds, ratio, processorRatio } = render;
  return (
    `${size}, ${steps} steps: ${foretoldSeconds.toFixed(1)} s foretold, ${takenSeconds.toFixed(1)} s taken: ` +
    `ratio ${ratio.toFixed(2)}, by processor time ${processorRatio.toFixed(2)}`
  );
}

/** How many processors it had on average. */
function shareOf({ processorSeconds, report }: RenderRun): number {
  return processorSeconds / report.wallSeconds;
}

function foretell(flags: readonly string[]): number {
  const words = ['--disable-warning=ExperimentalWarning', cli, 'plan', '--json', ...flags];
  const plan = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as {
    readonly secondsEstimated: number;
  };
  return plan.secondsEstimated;
}
