// Runs `bivdiff render --json` as a process of its own and watches its memory: for whole-clip time and peak memory.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { NODE_ENVIRONMENT, NODE_FLAGS } from '../common/node-flags.ts';
import { BivdiffError } from '../common/errors.ts';
import type { LoopDelay } from './loop-delay.ts';

const root = join(import.meta.dirname, '..');
const SAMPLE_INTERVAL_MS = 50;

export interface RenderRun {
  readonly seconds: number;
  /** Of the process and its children: the highest sum of resident memory seen. */
  readonly peakBytes: number;
  /** The same without pages of files, which the system takes back when memory is short: mapped graphs, programs. */
  readonly ownPeakBytes: number;
  /** Of the process, all its threads, not its children: as seen last. */
  readonly processorSeconds: number;
  /** Of the render's main thread, from when the program is up to its end. */
  readonly loopDelay: LoopDelay;
  readonly report: {
    readonly sha256: string;
    readonly wallSeconds: number;
    readonly metrics: {
      readonly flicker: { readonly smoothed: number };
      readonly edgeF1: { readonly smoothed: number };
      readonly drift: number;
    };
    readonly manifest: {
      readonly stages: Readonly<
        Record<string, { readonly seconds: number; readonly busySeconds: number }>
      >;
    };
  };
}

/** Runs one render with these flags, `env` beside this process's own. @throws internal — it failed; its own error is in the message */
export async function runRender(
  flags: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<RenderRun> {
  const begunMs = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'bivdiff-bench-delay-'));
  const delayFile = join(folder, 'delay.json');
  const child = spawn(
    process.execPath,
    [
      ...NODE_FLAGS,
      ...['--import', join(import.meta.dirname, 'loop-delay.ts')],
      join(root, 'cli/main.ts'),
      'render',
      '--json',
      '--quiet',
      ...flags,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...NODE_ENVIRONMENT, ...process.env, ...env, BENCH_LOOP_DELAY_FILE: delayFile },
    },
  );
  let peakBytes = 0;
  let ownPeakBytes = 0;
  let processorSeconds = 0;
  const sampler = setInterval(() => {
    processorSeconds = Math.max(processorSeconds, processorTime(child.pid!));
    const { resident, own } = memoryOf(child.pid!);
    peakBytes = Math.max(peakBytes, resident);
    ownPeakBytes = Math.max(ownPeakBytes, own);
  }, SAMPLE_INTERVAL_MS);
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  clearInterval(sampler);
  const loopDelay = code === 0 ? readFileSync(delayFile, 'utf8') : '{}';
  rmSync(folder, { recursive: true });
  if (code !== 0) throw new BivdiffError('internal', `render exited with ${code}: ${stderr}`);
  return {
    seconds: (performance.now() - begunMs) / 1000,
    peakBytes,
    ownPeakBytes,
    processorSeconds,
    loopDelay: JSON.parse(loopDelay) as LoopDelay,
    report: JSON.parse(stdout) as RenderRun['report'],
  };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** In user and kernel mode, as the kernel counts it now, in hundredths; 0 once it is gone. */
function processorTime(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields 14 and 15; the second is a name in brackets that may hold spaces.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return 0;
  }
}

interface MemoryNow {
  readonly resident: number;
  /** Of it, without pages of files. */
  readonly own: number;
}

/** Bytes of a process and its children, as the kernel counts them now; 0 once it is gone. */
function memoryOf(pid: number): MemoryNow {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [resident, files] = ['VmRSS', 'RssFile'].map((name) => {
      return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
    });
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
    );
    // One that has been forked and not begun its own program yet shares all that its parent has.
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const begun = children.filter((child) => {
      return readFileSync(`/proc/${child}/cmdline`, 'utf8') !== command;
    });
    const all = [
      { resident: resident!, own: resident! - files! },
      ...begun.map((child) => memoryOf(Number(child))),
    ];
    const sum = (key: keyof MemoryNow): number => all.reduce((total, one) => total + one[key], 0);
    return { resident: sum('resident'), own: sum('own') };
  } catch {
    // The process or a thread of it ended between two reads.
    return { resident: 0, own: 0 };
  }
}
