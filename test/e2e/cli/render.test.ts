// A user's renders with the real program: outputs, the JSON, reuse, plan, batches, sweeps. The models are the tiny ones but
// where the test says otherwise.

import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { endOfCli } from '../../support/cli-process.ts';
import { itThorough } from '../../support/thorough.ts';
import { SOURCE, bivdiff, createWorkplace, jsonOf, tinyFlags } from './workplace.ts';

interface Report {
  readonly job: string;
  readonly outputs: readonly {
    readonly layout: string;
    readonly path: string;
    readonly sha256: string;
  }[];
  readonly sha256: string;
  readonly manifest: object;
  readonly metrics: object;
  readonly tasks: Tasks;
  readonly seconds: Readonly<Record<string, number>>;
}

interface Tasks {
  readonly run: number;
  readonly reused: number;
  readonly byStage: Readonly<Record<string, { readonly run: number; readonly reused: number }>>;
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

describe('bin/bivdiff', () => {
  it('runs from any folder', async () => {
    const bin = join(import.meta.dirname, '../../../bin/bivdiff');
    const child = spawn(bin, ['--help'], { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    const run = await endOfCli(child);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toContain('Examples:');
  });
});

describe('a render with the models that ship', () => {
  it('writes all outputs and says what it did; a second one runs nothing', async () => {
    await using place = await createWorkplace();
    const out = (name: string): string => place.path('out', name);
    const flags = [
      ...['--task', 'controlnet', '--control', 'canny', '--input', SOURCE, '--frames', '2'],
      ...['--stride', '4', '--size', '128x128', '--prompt', 'a red star', '--steps', '2'],
      ...['--negative-prompt', '', '--video-prompt', 'a red star', '--seed', '42', '--slots', '2'],
      ...['--guidance-scale', '5', '--video-guidance-scale', '1.5', '--mixing-ratio', '1.0'],
      ...['--inversion', 'ddim', '--scheduler', 'ddim', '--fps', '8'],
      ...['--store', place.path('store'), '--output', out('clip.mp4')],
      ...['--comparison', out('panels.mp4'), '--contact-sheet', out('sheet.png')],
      ...['--report', out('report.json'), '--trace', out('trace.json')],
    ];
    const first = await bivdiff('render', '--json', ...flags);
    expect(first.code, first.stderr).toBe(0);
    const report = jsonOf<Report>(first);
    expect(report.tasks).toMatchObject({ reused: 0, byStage: { generate: { run: 1, reused: 0 } } });
    expect(report.tasks.byStage['invert-video']).toBeUndefined();
    expect(report.job).toMatch(/^[0-9a-f]{64}$/);
    expect(report.seconds['generate']).toBeGreaterThan(0);
    expect(report.manifest).toMatchObject({ kind: 'Manifest', jobId: report.job });
    expect(report.outputs.map(({ layout }) => layout)).toEqual([
      'clip',
      'comparison',
      'contact-sheet',
    ]);
    for (const output of report.outputs) expect(await sha256(output.path)).toBe(output.sha256);
    expect(await place.outputs()).toEqual([
      'clip.mp4',
      'panels.mp4',
      'report.json',
      'sheet.png',
      'trace.json',
    ]);
    expect(JSON.parse(await readFile(out('report.json'), 'utf8'))).toEqual(report);
    const trace = JSON.parse(await readFile(out('trace.json'), 'utf8')) as {
      traceEvents: object[];
    };
    const bars = trace.traceEvents.filter((event) => 'ph' in event && event.ph === 'X');
    expect(bars).toHaveLength(report.tasks.run);
    // Progress is plain lines here, and none of it on stdout.
    expect(first.stderr).toContain('generate: 1 task done, 1 run, 0 reused');
    expect(first.stderr).not.toContain('\u001b');

    const again = await bivdiff('render', '--json', '--quiet', ...flags);
    expect(again.stderr).toBe('');
    expect(jsonOf<Report>(again)).toMatchObject({ sha256: report.sha256, tasks: { run: 0 } });
  });
});

describe('a plan', () => {
  it('foresees the tasks that a render then runs, and runs none', async () => {
    await using place = await createWorkplace();
    const flags = tinyFlags(place);
    const plan = jsonOf<{ job: string; tasks: { total: number; toRun: number } }>(
      await bivdiff('plan', '--json', ...flags),
    );
    const output = ['--output', place.path('out', 'clip.mp4')];
    const report = jsonOf<Report>(
      await bivdiff('render', '--json', '--quiet', ...flags, ...output),
    );
    expect(plan).toMatchObject({ job: report.job, tasks: { toRun: report.tasks.run } });

    const after = await bivdiff('plan', ...flags);
    expect(after.stdout).toContain(`0 of ${plan.tasks.total} tasks to run`);
    const longer = await bivdiff('plan', '--json', ...tinyFlags(place, { frames: '8' }));
    expect(jsonOf(longer)).toMatchObject({
      tasks: { byStage: { generate: { total: 4, inStore: 2 } } },
      secondsEstimated: expect.any(Number) as number,
    });
  });
});

describe('outputs in other formats', () => {
  itThorough.each([
    ['clip.webm', /^clip\.webm$/],
    ['clip.gif', /^clip\.gif$/],
  ])('%s', async (name, listed) => {
    await using place = await createWorkplace();
    const run = await bivdiff(
      'render',
      '--quiet',
      ...tinyFlags(place, { output: place.path('out', name) }),
    );
    expect(run.code, run.stderr).toBe(0);
    expect(await place.outputs()).toEqual([expect.stringMatching(listed)]);
  });

  it('a folder of pictures', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'frames');
    const run = await bivdiff('render', '--json', '--quiet', ...tinyFlags(place, { output }));
    expect(run.code, run.stderr).toBe(0);
    expect(await readdir(output)).toEqual([1, 2, 3, 4].map((n) => `frame-00000${n}.png`));
  });
});

describe('a spec file', () => {
  it('renders like flags do', async () => {
    await using place = await createWorkplace();
    const byFlags = await bivdiff(
      ...['render', '--json', '--quiet', ...tinyFlags(place)],
      ...['--output', place.path('out', 'flags.mp4')],
    );
    const spec = place.path('spec.yaml');
    await writeFile(
      spec,
      `apiVersion: bivdiff/v1
task: controlnet
input: { path: ${SOURCE} }
frames: 4
steps: 50
frameBatch: 2
mixingRatio: 0.5
prompt: a red square
models: ${join(import.meta.dirname, '../../support/models/tiny-set')}
output: { file: out/spec.mp4 }
`,
    );
    const bySpec = await bivdiff(
      ...['render', spec, '--json', '--quiet', '--steps', '2', '--store', place.path('store')],
    );
    expect(bySpec.code, bySpec.stderr).toBe(0);
    expect(jsonOf<Report>(bySpec)).toMatchObject({
      sha256: jsonOf<Report>(byFlags).sha256,
      tasks: { run: 0 },
    });
    expect(await place.outputs()).toEqual(['flags.mp4', 'spec.mp4']);
  });
});

describe('a batch', () => {
  it('shares one store, goes on after a failure, and tells of all', async () => {
    await using place = await createWorkplace();
    const batch = place.path('jobs.csv');
    await writeFile(
      batch,
      'prompt,mixing-ratio,output\na red square,0.5,out/a.mp4\na red square,1,out/taken.mp4\n,0.5,out/c.gif\n',
    );
    const flags = tinyFlags(place);
    await bivdiff('render', '--quiet', ...flags, '--output', place.path('out', 'a.mp4'));
    await writeFile(place.path('out', 'taken.mp4'), 'mine');
    const run = await bivdiff('render', '--batch', batch, '--json', '--quiet', ...flags);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/jobs\.csv line 3: error: .*taken\.mp4 exists and differs/);
    const { jobs, failed } = jsonOf<{ jobs: (Report & { origin: string })[]; failed: number }>(run);
    expect(failed).toBe(1);
    expect(jobs).toMatchObject([
      { origin: `${batch} line 2`, tasks: { run: 0 } },
      { origin: `${batch} line 3`, error: { code: 'already-exists' } },
      { origin: `${batch} line 4`, tasks: { run: 1, byStage: { assemble: { run: 1 } } } },
    ]);
    expect(await place.outputs()).toEqual(['a.mp4', 'c.gif', 'taken.mp4']);
  });

  it('runs nothing when a line is wrong, and reports every such line', async () => {
    await using place = await createWorkplace();
    const batch = place.path('jobs.jsonl');
    const lines = [
      { output: 'out/a.mp4' },
      { output: 'out/b.mp4', input: 'none.mp4' },
      { output: 'out/c.mp4', frames: 1000 },
    ];
    await writeFile(batch, lines.map((line) => JSON.stringify(line)).join('\n'));
    const run = await bivdiff('render', '--batch', batch, ...tinyFlags(place));
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/line 2: .*none\.mp4/);
    expect(run.stderr).toMatch(/line 3: .*frames/);
    expect(await place.outputs()).toEqual([]);
  });
});

describe('a sweep', () => {
  it('makes what the values share exactly as often as one render at mixing ratio 0.5', async () => {
    await using place = await createWorkplace();
    const sweep = await bivdiff(
      ...[
        'sweep',
        '--json',
        '--quiet',
        ...tinyFlags(place, { 'mixing-ratio': '0,0.25,0.5,0.75,1' }),
      ],
      ...['--output', place.path('out')],
    );
    expect(sweep.code, sweep.stderr).toBe(0);
    const swept = jsonOf<{ tasks: Tasks; rows: { mixingRatio: number; sha256: string }[] }>(sweep);
    const single = jsonOf<Report>(
      await bivdiff(
        ...['render', '--json', '--quiet', ...tinyFlags(place, { store: place.path('other') })],
        ...['--output', place.path('single.mp4')],
      ),
    );
    for (const stage of [
      'ingest',
      'annotate',
      'generate',
      'encode',
      'invert-image',
      'invert-video',
    ]) {
      expect(swept.tasks.byStage[stage]?.run, stage).toBe(single.tasks.byStage[stage]?.run);
    }
    expect(swept.tasks.byStage['smooth']?.run).toBe(5);
    expect(swept.rows.find(({ mixingRatio }) => mixingRatio === 0.5)?.sha256).toBe(single.sha256);
    expect(await place.outputs()).toEqual([
      ...['0.25.mp4', '0.5.mp4', '0.75.mp4', '0.mp4', '1.mp4'],
      ...['contact-sheet.png', 'table.json'],
    ]);
    const table: unknown = JSON.parse(await readFile(place.path('out', 'table.json'), 'utf8'));
    expect(table).toEqual(jsonOf(sweep));
  });
});
