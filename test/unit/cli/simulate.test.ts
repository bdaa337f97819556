// `bivdiff simulate` as a command: flags, scenario files, text and JSON.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runCommandLine } from '../../../cli/program.ts';
import { createSampleEnvironment } from './sample-environment.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-simulate-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(...words: string[]) {
  // Real time that passes by the call: what the coordinator cost must not decide a test.
  let calls = 0;
  const clock = { nowMs: () => (calls += 1), after: () => () => undefined };
  const environment = createSampleEnvironment({ folder, clock, peakMemoryBytes: () => 3 << 20 });
  const code = await runCommandLine(['simulate', ...words], environment);
  return { code, ...environment.written };
}

interface Printed {
  readonly scenario: {
    readonly jobs: number;
    readonly frameBatch: number;
    readonly seed: number;
    readonly pools: Readonly<Record<string, object>>;
    readonly stragglers: object;
  };
  readonly jobs: { readonly done: number };
  readonly ratio: number;
  readonly pools: Readonly<Record<string, { readonly utilisation: number }>>;
  readonly coordinator: { readonly events: number; readonly workersMax: number };
  readonly peakMemoryBytes: number;
}

const SMALL = ['--jobs', '2', '--frames', '32'];

describe('bivdiff simulate', () => {
  it('tells makespan, bound, losses and the limit of one coordinator', async () => {
    const { code, stdout, stderr } = await run('--workers', '30', ...SMALL);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^farm {6}30 workers: idm \d+, mixer \d+, vdm \d+$/m);
    expect(stdout).toMatch(/^jobs {6}2 of 32 frames .*: 2 done$/m);
    expect(stdout).toMatch(/^makespan {2}[\d.]+ s$/m);
    expect(stdout).toMatch(/^bound {5}[\d.]+ s, by /m);
    expect(stdout).toMatch(/^ratio {5}1\.\d+$/m);
    expect(stdout).toMatch(/^vdm( +[\d.]+){8}$/m);
    expect(stdout).toMatch(/about [\d,]+ workers would keep it busy/);
    expect(stdout).toContain('3.0 MiB');
    expect(stdout).not.toContain('trouble');
  });

  it('prints the same for the same seed, and something else for another', async () => {
    const words = ['--workers', '30', ...SMALL, '--failures', '0.05', '--json'];
    const first = await run(...words);
    expect((await run(...words)).stdout).toBe(first.stdout);
    expect((await run(...words, '--seed', '2')).stdout).not.toBe(first.stdout);
  });

  it('takes a scenario file, and flags before it', async () => {
    const text = [
      'pools: { idm: 8, mixer: { workers: 2, slots: 2 }, vdm: { workers: 9, speed: 2 } }',
      'jobs: 7',
      'frames: 32',
      'frame-batch: 8',
      'stragglers: 0.5x2',
    ];
    await writeFile(join(folder, 'scenario.yaml'), text.join('\n'));
    const { code, stdout } = await run('scenario.yaml', '--jobs', '1', '--seed', '9', '--json');
    expect(code).toBe(0);
    const printed = JSON.parse(stdout) as Printed;
    expect(printed.scenario).toMatchObject({ jobs: 1, frameBatch: 8, seed: 9 });
    expect(printed.scenario.stragglers).toEqual({ share: 0.5, factor: 2 });
    expect(printed.scenario.pools).toEqual({
      idm: { workers: 8, slots: 1, speed: 1 },
      mixer: { workers: 2, slots: 2, speed: 1 },
      vdm: { workers: 9, slots: 1, speed: 2 },
    });
    expect(printed.jobs.done).toBe(1);
    expect(printed.ratio).toBeGreaterThanOrEqual(1);
    expect(printed.pools['vdm']!.utilisation).toBeGreaterThan(0);
    expect(printed.coordinator.workersMax).toBeGreaterThan(0);
    expect(printed.peakMemoryBytes).toBe(3 << 20);
  });

  it('shares the workers of named pools out when asked to', async () => {
    const pools = ['--pool', 'idm=10', '--pool', 'mixer=10', '--pool', 'vdm=10'];
    const { stdout } = await run(...pools, '--balance', ...SMALL);
    expect(stdout).toMatch(/^farm {6}30 workers: idm 9, mixer 5, vdm 16$/m);
  });

  const LONG = ['--jobs', '1', '--frames', '64', '--window', '16', '--steps', '4', '--spread', '0'];
  const EIGHT = ['--pool', 'idm=8', '--pool', 'mixer=8', '--pool', 'vdm=8'];

  it('takes windows that agree step by step: no less work, in more tasks', async () => {
    const [apart, agreed, blended] = await Promise.all(
      ['independent', 'co-denoise', 'blend'].map(async (mode) => {
        const { stdout } = await run(...LONG, ...EIGHT, '--long', mode, '--json');
        return JSON.parse(stdout) as { tasks: number; makespanSeconds: number };
      }),
    );
    // Seven windows in place of four, on eight workers: as many at once, each as long.
    expect(blended!.tasks).toBe(apart!.tasks + 4 * 3 + 4);
    // Three chains of four steps in place of three tasks a window.
    expect(agreed!.tasks).toBeGreaterThan(blended!.tasks + 7 * 3 * 2);
    expect(agreed!.makespanSeconds).toBeCloseTo(blended!.makespanSeconds, 0);
  });

  it('compares block sizes, whose tasks cost the overhead of each', async () => {
    const words = [...LONG, ...EIGHT, '--overhead', '2', '--block-sizes', '1,4'];
    const { stdout } = await run(...words, '--json');
    const { blocks, best } = JSON.parse(stdout) as {
      blocks: { windowBlock: number; tasks: number; makespanSeconds: number; efficiency: number }[];
      best: number;
    };
    expect(blocks.map(({ windowBlock }) => windowBlock)).toEqual([1, 4]);
    expect(blocks[0]!.tasks).toBeGreaterThan(blocks[1]!.tasks);
    const fastest = blocks.reduce((a, b) => (b.makespanSeconds < a.makespanSeconds ? b : a));
    expect(best).toBe(fastest.windowBlock);
    const without = await run(...LONG, ...EIGHT, '--block-sizes', '1', '--json');
    const quick = (JSON.parse(without.stdout) as { blocks: { makespanSeconds: number }[] })
      .blocks[0]!;
    // Two inversions at once, then smoothing: eight steps one after the other at least.
    expect(blocks[0]!.makespanSeconds).toBeGreaterThan(quick.makespanSeconds + 8 * 2);
    expect((await run(...words)).stdout).toContain('first done with');
  });

  it.each([
    [['--long', 'mixed'], 'long: expected co-denoise, blend, independent, got "mixed"'],
    [['--window-block', '2'], '--window-block: is for windows that overlap'],
    [
      ['--long', 'blend', '--window-stride', '17'],
      '--window-stride: 17 frames, but a window is of 16',
    ],
    ...['1,2,x', '65', '0,1', '0', '', '1,', '1.5'].map((sizes): [string[], string] => [
      ['--block-sizes', sizes],
      `--block-sizes: expected whole numbers, 1 to 64, with commas between, got "${sizes}"\n`,
    ]),
    [
      ['--block-sizes', '0', '--long', 'independent'],
      '--block-sizes: expected whole numbers, 1 to 64, with commas between, got "0"\n',
    ],
    [['--block-sizes', '1,1'], 'error: --block-sizes: named more than once: 1; name'],
    [['--block-sizes', '4,2,1,2,04'], 'error: --block-sizes: named more than once: 2, 4; name'],
    [
      ['--block-sizes', '1,2', '--long', 'independent'],
      'error: --block-sizes: is for windows that overlap',
    ],
    [
      ['--block-sizes', '1,2', '--window-block', '4'],
      'error: --block-sizes and --window-block cannot go together',
    ],
    [
      ['--block-sizes', '1', '--frames', '1000000', '--window-stride', '1'],
      'a task, are more than a coordinator can keep track of; ask for more windows a task (up to 64) or a longer --window-stride',
    ],
    [['--frames', 'x'], '--frames: expected a whole number, 1 to 1000000, got "x"'],
    [['--failures', '1.5'], 'failures: expected a number, 0 to 1, got "1.5"'],
    [['--pool', 'idm'], '--pool: expected POOL=N, got "idm"'],
    [['--pool', 'idm=3'], 'pools: mixer, vdm missing'],
    [['--pool', 'gpu=3'], 'expected idm, mixer or vdm, got "gpu"'],
    [['--stragglers', '0.1'], 'stragglers: expected SHARExFACTOR'],
    [['--workers', '9', '--pool', 'idm=1'], 'workers and pools cannot go together'],
    [['none.yaml'], 'reading the scenario'],
  ])('%j is named as a mistake', async (words, message) => {
    const { code, stdout, stderr } = await run(...words);
    expect(code).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
  });

  it('refuses block sizes for a scenario of other windows than those that agree', async () => {
    for (const [long, problem] of [
      ['blend', '--block-sizes: is for long co-denoise; with blend each window is a task'],
      ['independent', '--block-sizes: is for windows that overlap; with long independent none do'],
    ] as const) {
      await writeFile(join(folder, 'long.yaml'), `jobs: 1\nframes: 64\nlong: ${long}\n`);
      const { code, stdout, stderr } = await run('long.yaml', '--block-sizes', '1,2');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`error: ${problem}`);
      // What is typed goes before the file.
      const typed = await run('long.yaml', '--block-sizes', '1,2', '--long', 'co-denoise');
      expect(typed).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it('refuses a scenario that is no UTF-8, by line and byte', async () => {
    await writeFile(join(folder, 'latin.yaml'), Buffer.from('# caf\xe9\njobs: 3\n', 'latin1'));
    const { code, stderr } = await run('latin.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('latin.yaml is not UTF-8 text: line 1, byte 6 (0xE9)');
  });

  it('names every problem of a scenario file at once', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'job: 3\nspread: [1]\npools: { idm: { worker: 2 } }');
    const { code, stderr } = await run('bad.yaml');
    expect(code).toBe(2);
    for (const part of ['did you mean jobs?', 'spread: expected', 'pools: mixer, vdm missing']) {
      expect(stderr).toContain(part);
    }
    expect(stderr).not.toContain('--spread');
    expect((await run('bad.yaml', '--spread', '9')).stderr).toContain('--spread: expected');
  });
});
