// What `bivdiff plan` foretells of memory beside what the render then takes, at several sizes, windows, slots and controls.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { NODE_FLAGS } from '../common/node-flags.ts';
import { writeClip } from './clips.ts';
import { runRender } from './render-process.ts';

interface Setting {
  readonly size: string;
  readonly frames: number;
  readonly window?: number;
  readonly frameBatch?: number;
  readonly slots?: number;
  readonly controls?: readonly string[];
  /** Share of the steps. */
  readonly controlEnd?: number;
  readonly fast?: boolean;
  /** @default 2 */
  readonly steps?: number;
  readonly memoryGib?: number;
}

const SETTINGS: readonly Setting[] = [
  { size: '128x128', frames: 8 },
  { size: '128x128', frames: 16, slots: 2, frameBatch: 4 },
  { size: '256x256', frames: 8 },
  { size: '256x256', frames: 16, window: 16 },
  { size: '256x256', frames: 8, frameBatch: 8, controls: ['canny', 'depth'] },
  { size: '512x512', frames: 4 },
  // Steps of both kinds are taken.
  { size: '256x256', frames: 8, fast: true, steps: 6 },
  { size: '512x512', frames: 4, fast: true, steps: 6 },
  { size: '256x256', frames: 8, frameBatch: 8, controlEnd: 0.5 },
  { size: '512x512', frames: 4, controlEnd: 0.5 },
];
/** Of a set of the real size. The first finds no kept graphs, the second is the same and finds those of the first, and so do the others. */
const REAL_SETTINGS: readonly Setting[] = [
  { size: '256x256', frames: 4 },
  { size: '256x256', frames: 4 },
  { size: '256x256', frames: 4, memoryGib: 9 },
  { size: '512x512', frames: 8 },
];
const cli = join(import.meta.dirname, '../cli/main.ts');
const GIB = 2 ** 30;

export interface MemoryFigures extends Setting {
  readonly foretoldBytes: number;
  readonly peakBytes: number;
  /** Without pages of files, which mapped graphs are. */
  readonly ownPeakBytes: number;
  /** Foretold over taken. */
  readonly ratio: number;
}

export interface MemoryOptions {
  /** A set in place of the one that ships. */
  readonly models: string | undefined;
  /** The set has models of the real size: fewer settings. */
  readonly isRealSize?: boolean;
  /** Is told of each as it is there. */
  readonly say: (line: string) => void;
}

export async function compareMemory(
  folder: string,
  { models, isRealSize = false, say }: MemoryOptions,
): Promise<readonly MemoryFigures[]> {
  const settings = isRealSize ? REAL_SETTINGS : SETTINGS;
  const clip = join(folder, 'memory-forecast.mp4');
  await writeClip(clip, Math.max(...settings.map(({ frames }) => frames)));
  const figures: MemoryFigures[] = [];
  for (const [i, setting] of settings.entries()) {
    const flags = [
      ...['--task', 'controlnet', '--input', clip, '--stride', '1', '--prompt', 'a red square'],
      ...[
        '--steps',
        String(setting.steps ?? 2),
        '--mixing-ratio',
        '0.5',
        '--frames',
        String(setting.frames),
      ],
      ...['--size', setting.size, '--slots', String(setting.slots ?? 1)],
      ...(setting.controls ?? ['canny']).flatMap((control) => ['--control', control]),
      ...(setting.window === undefined ? [] : ['--window', String(setting.window)]),
      ...(setting.frameBatch === undefined ? [] : ['--frame-batch', String(setting.frameBatch)]),
      ...(setting.controlEnd === undefined ? [] : ['--control-end', String(setting.controlEnd)]),
      ...(setting.fast === true ? ['--fast'] : []),
      ...(setting.memoryGib === undefined ? [] : ['--memory-gib', String(setting.memoryGib)]),
      ...(models === undefined ? [] : ['--models', models]),
      ...['--store', join(folder, `memory-forecast-${i}`)],
    ];
    const foretoldBytes = foretell(flags);
    const output = ['--output', join(folder, `memory-${i}.mp4`)];
    const { peakBytes, ownPeakBytes } = await runRender([...flags, ...output], {
      XDG_CACHE_HOME: join(folder, 'cache'),
    });
    const ratio = foretoldBytes / peakBytes;
    figures.push({ ...setting, foretoldBytes, peakBytes, ownPeakBytes, ratio });
    const gib = (bytes: number): string => (bytes / GIB).toFixed(2);
    say(
      `${JSON.stringify(setting)}: ${gib(foretoldBytes)} GiB foretold, ${gib(peakBytes)} taken (${gib(ownPeakBytes)} without pages of files): ratio ${ratio.toFixed(2)}`,
    );
  }
  return figures;
}

function foretell(flags: readonly string[]): number {
  const words = [...NODE_FLAGS, cli, 'plan', '--json', ...flags];
  const plan = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' })) as {
    readonly memoryBytesEstimated: number;
  };
  return plan.memoryBytesEstimated;
}
