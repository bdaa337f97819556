// The checks that one job gives the same bytes whatever happens to it, shared by the short run (few steps) and the long one.

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'vitest';

import { endOfCli, startCli } from './cli-process.ts';

const root = join(import.meta.dirname, '../..');
const SLOTS = 2;

export interface JobFlags {
  readonly frames: number;
  readonly steps: number;
  readonly frameBatch: number;
  readonly kills: number;
  /** WIDTHxHEIGHT. @default the models' own */
  readonly size?: string;
}

interface RenderJson {
  readonly sha256: string;
  readonly tasks: { readonly run: number; readonly reused: number };
}

/** The flags of a render into a folder, without slots. */
function renderFlags(folder: string, name: string, job: JobFlags): string[] {
  return [
    ...['render', '--json', '--quiet', '--task', 'controlnet', '--control', 'canny'],
    ...[
      '--input',
      join(root, 'examples/source.mp4'),
      '--frames',
      String(job.frames),
      '--stride',
      '1',
    ],
    ...[
      '--frame-batch',
      String(job.frameBatch),
      '--steps',
      String(job.steps),
      '--mixing-ratio',
      '0.5',
      '--seed',
      '7',
      '--threads',
      '1',
    ],
    ...['--prompt', 'a green star moving right on a white background'],
    ...(job.size === undefined ? [] : ['--size', job.size]),
    ...['--store', join(folder, `${name}-store`), '--output', join(folder, `${name}.mp4`)],
  ];
}

/** Renders to the end and gives what `--json` printed. */
async function renderJson(flags: readonly string[]): Promise<RenderJson> {
  const run = await endOfCli(startCli(flags));
  expect(run.stderr, run.stderr).not.toContain('error');
  expect(run.code).toBe(0);
  return JSON.parse(run.stdout) as RenderJson;
}

interface TraceBar {
  readonly ph: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}

/** The most tasks that a trace shows running at one moment. */
async function mostAtOnce(traceFile: string): Promise<number> {
  const trace = JSON.parse(await readFile(traceFile, 'utf8')) as { traceEvents: TraceBar[] };
  const bars = trace.traceEvents.filter(({ ph }) => ph === 'X');
  const running = (at: number): TraceBar[] =>
    bars.filter(({ ts, dur }) => ts <= at && at < ts + dur);
  // Bars of one slot must not overlap, or the count would say nothing.
  for (const { ts } of bars) {
    const slots = running(ts).map(({ tid }) => tid);
    expect(new Set(slots).size).toBe(slots.length);
  }
  return Math.max(...bars.map(({ ts }) => running(ts).length));
}

/** Number of result records in a store. */
async function countRecords(store: string): Promise<number> {
  const entries = await readdir(join(store, 'records'), { recursive: true }).catch(() => []);
  return entries.filter((name) => name.endsWith('.json')).length;
}

/**
 * Starts a render and kills it (SIGKILL) as soon as it has committed `more` results. Gives whether it was killed before it
 * ended by itself.
 */
async function killAfterCommits(
  flags: readonly string[],
  options: { readonly store: string; readonly more: number },
): Promise<boolean> {
  const before = await countRecords(options.store);
  const child = startCli(flags);
  const end = endOfCli(child);
  while (child.exitCode === null && (await countRecords(options.store)) < before + options.more) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill('SIGKILL');
  return (await end).signal === 'SIGKILL';
}

/**
 * Renders one job with 1 slot, with 4 that are seen to work at once, and killed some times between its commits: all must give the same bytes, nothing
 * committed may run again, and a last run must compute nothing.
 */
export async function checkSameBytes(job: JobFlags): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-same-bytes-'));
  try {
    await compareRuns(folder, job);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compareRuns(folder: string, job: JobFlags): Promise<void> {
  const [oneTrace, fourTrace] = ['one', 'four'].map((name) => join(folder, `${name}.trace.json`));
  const one = await renderJson([
    ...renderFlags(folder, 'one', job),
    ...['--slots', '1', '--trace', oneTrace!],
  ]);
  const four = await renderJson([
    ...renderFlags(folder, 'four', job),
    ...['--slots', '4', '--trace', fourTrace!],
  ]);
  expect(four.sha256).toBe(one.sha256);
  expect(await mostAtOnce(oneTrace!)).toBe(1);
  expect(await mostAtOnce(fourTrace!)).toBeGreaterThanOrEqual(3);
  const planned = one.tasks.run;

  const flags = [...renderFlags(folder, 'killed', job), '--slots', String(SLOTS)];
  const store = join(folder, 'killed-store');
  let kills = 0;
  for (let kill = 0; kill < job.kills; kill += 1) {
    if (await killAfterCommits(flags, { store, more: 2 })) kills += 1;
  }
  expect(kills).toBe(job.kills);
  const committed = await countRecords(store);
  expect(committed).toBeGreaterThan(0);
  expect(committed).toBeLessThan(planned);
  const last = await renderJson(flags);
  expect(last.sha256).toBe(one.sha256);
  // What was committed before a kill is never run again.
  expect(last.tasks.run).toBe(planned - committed);

  const again = await renderJson(flags);
  expect(again.tasks.run).toBe(0);
  expect(again.sha256).toBe(one.sha256);
}
