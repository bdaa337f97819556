// Comparing what was rendered, and files of any program, with the real program and the tiny models.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import { casesOf } from '../../support/thorough.ts';
import { TINY_SET } from '../../support/models/paths.ts';
import { bivdiff, copyTinyModels, createWorkplace, expectOneError } from './workplace.ts';
import { jsonOf, SOURCE, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';

interface Comparison {
  readonly reference: string;
  readonly clips: readonly {
    readonly label: string;
    readonly path?: string;
    readonly job?: string;
    readonly panel?: string;
    readonly measured?: Readonly<Record<string, { series: readonly number[]; mean: number }>>;
  }[];
  readonly notes: readonly string[];
}

interface Table {
  readonly rows: readonly {
    readonly job: string;
    readonly output: string;
    readonly metrics: {
      readonly flicker: Readonly<Record<'generated' | 'smoothed', number>>;
      readonly edgeF1: Readonly<Record<'generated' | 'smoothed', number>>;
      readonly drift: number;
    };
  }[];
}

describe('what a sweep has rendered', () => {
  it('is compared with the figures that the renders had, on one page', async () => {
    await using place = await createWorkplace();
    const sweep = place.path('out');
    const page = place.path('out', 'page.html');
    const swept = await bivdiff(
      ...['sweep', '--json', '--output', sweep, '--html', page],
      ...tinyFlags(place, { 'mixing-ratio': '0.5,1', 'video-guidance-scale': '1,2' }),
    );
    expect(swept.code, swept.stderr).toBe(0);
    const { rows } = jsonOf<Table>(swept);
    const text = await readFile(page, 'utf8');
    expect(text).toContain('A sweep of mixing ratio and video guidance');
    expect(text.match(/<pre /g)).toHaveLength(4);
    expect(text).toContain('class="grid"');
    expect(text.match(/src="data:image\/webp;base64,/g)).toHaveLength(6 * 4);

    // One job: against its own frames before smoothing. These are the very figures of the render.
    const store = ['--store', place.path('store')];
    const html = place.path('out', 'one.html');
    const words = [rows[0]!.job.slice(0, 16), '--html', html];
    const one = await bivdiff('compare', '--json', ...words, ...store);
    expect(one.code, one.stderr).toBe(0);
    // The spec is as the store keeps it beside the job.
    expect(await readFile(html, 'utf8')).toMatch(/<pre [^>]*>apiVersion[^<]*mixingRatio: 0\.5\n/);
    const { reference, clips } = jsonOf<Comparison>(one);
    expect(reference).toBe('frame by frame');
    expect(clips.map(({ panel }) => panel)).toEqual(['control', 'generated', 'smoothed']);
    const [control, generated, smoothed] = clips;
    const { metrics } = rows[0]!;
    expect(control?.measured).toBeUndefined();
    expect(generated?.measured?.['flicker']?.mean).toBeCloseTo(metrics.flicker.generated, 9);
    expect(generated?.measured?.['flicker']?.series).toHaveLength(3);
    expect(smoothed?.measured?.['flicker']?.mean).toBeCloseTo(metrics.flicker.smoothed, 9);
    expect(smoothed?.measured?.['edgeF1']?.mean).toBeCloseTo(metrics.edgeF1.smoothed, 9);
    expect(smoothed?.measured?.['drift']?.mean).toBeCloseTo(metrics.drift, 9);
    expect(generated?.measured?.['drift']).toBeUndefined();

    // All of the folder, and a file that learns of the control by them. What they share is there once.
    const named = `filed=${rows[1]!.output}`;
    const all = await bivdiff('compare', '--json', sweep, named, ...store);
    expect(all.code, all.stderr).toBe(0);
    const shown = jsonOf<Comparison>(all);
    expect(shown.clips.map(({ label }) => label)).toEqual([
      ...['control', 'frame by frame'],
      ...['mixing ratio 0.5, video guidance scale 1', 'mixing ratio 0.5, video guidance scale 2'],
      ...['mixing ratio 1, video guidance scale 1', 'mixing ratio 1, video guidance scale 2'],
      'filed',
    ]);
    expect(shown.clips.at(-1)?.measured?.['edgeF1']?.series).toHaveLength(4);
  });
});

describe('what was drawn along depth and joints', () => {
  const figures = [
    ['depth', 'depthCorrelation', 'depth  '],
    ['pose', 'jointPck', 'joints '],
  ] as const;
  const cases = casesOf(figures, ([control]) => control === 'pose');
  it.each(cases)('is compared with them, as the render was: %s', async (control, figure, line) => {
    await using place = await createWorkplace();
    const store = ['--store', place.path('store')];
    const report = place.path('out', 'report.json');
    const words = [
      ...['--task', 'controlnet', '--control', control, '--input', SOURCE, '--report', report],
      ...['--prompt', 'a green star', '--frames', '3', '--frame-batch', '2', '--steps', '2'],
      ...['--output', place.path('out', 'clip.mp4')],
    ];
    const rendered = await bivdiff('render', ...words, ...store);
    expect(rendered.code, rendered.stderr).toBe(0);
    expect(rendered.stdout).toMatch(
      new RegExp(`^${line}  -?\\d.* \\(1 follows the control\\)$`, 'm'),
    );
    expect(rendered.stdout).not.toContain('edge F1');
    const { metrics } = JSON.parse(await readFile(report, 'utf8')) as {
      readonly metrics: Readonly<
        Record<string, { generated: number | null; smoothed: number | null }>
      >;
    };
    expect(metrics['edgeF1']).toEqual({ generated: null, smoothed: null });
    const run = await bivdiff('compare', '--json', report, ...store);
    expect(run.code, run.stderr).toBe(0);
    const [, generated, smoothed] = jsonOf<Comparison>(run).clips;
    expect(smoothed?.measured?.[figure]?.series).toHaveLength(3);
    expect(generated?.measured?.[figure]?.mean).toBeCloseTo(metrics[figure]!.generated!, 9);
    expect(smoothed?.measured?.[figure]?.mean).toBeCloseTo(metrics[figure]!.smoothed!, 9);
  });
});

describe('clips of any program', () => {
  it('are compared without a store, and replace an earlier page but nothing else', async () => {
    await using place = await createWorkplace();
    const cut = async (name: string, ...flags: string[]): Promise<string> => {
      const path = place.path(name);
      const size = ['--size', '48x32', '--frames', '3'];
      const run = await bivdiff('roundtrip', SOURCE, path, ...size, ...flags);
      expect(run.code, run.stderr).toBe(0);
      return path;
    };
    const video = await cut('a.mkv');
    const folder = await cut('b', '--format', 'png-sequence');
    const later = await cut('c.mkv', '--start', '20');
    const page = place.path('out', 'page.html');
    const words = [video, `as PNG=${folder}`, later];
    const store = ['--store', place.path('none')];
    const run = await bivdiff('compare', '--json', '--html', page, ...store, ...words);
    expect(run.code, run.stderr).toBe(0);
    const { clips, notes } = jsonOf<Comparison>(run);
    expect(clips.map(({ label }) => label)).toEqual([video, 'as PNG', later]);
    // Both keep every pixel.
    expect(clips[1]?.measured?.['drift']?.mean).toBe(0);
    expect(clips[2]?.measured?.['drift']?.mean).toBeGreaterThan(1);
    expect(notes).toEqual([
      expect.stringContaining('Control fidelity is left out'),
      expect.stringContaining('they need --clip DIR'),
    ]);
    const table = await bivdiff('compare', '--html', page, ...words);
    expect(table.code, table.stderr).toBe(0);
    expect(table.stdout).toMatch(/\(reference\)\s+\d+\.\d{4}/);

    await writeFile(page, 'mine');
    const refused = await bivdiff('compare', '--html', page, ...words);
    expectOneError(refused, /page\.html exists and differs/);
    expect(await readFile(page, 'utf8')).toBe('mine');
  });

  it('are refused with all that is wrong with them, and nothing is written', async () => {
    await using place = await createWorkplace();
    await writeFile(place.path('no.mp4'), 'this is no video');
    await writeFile(place.path('no.json'), '{"kind":"something"}');
    for (const [name, size, frames] of [
      ['a.mkv', '48x32', '3'],
      ['b.mkv', '32x32', '3'],
      ['c.mkv', '48x32', '4'],
    ] as const) {
      const flags = ['--size', size, '--frames', frames];
      const run = await bivdiff('roundtrip', SOURCE, place.path(name), ...flags);
      expect(run.code, run.stderr).toBe(0);
    }
    const names = ['a.mkv', 'b.mkv', 'c.mkv', 'no.mp4', 'no.json'].map((one) => place.path(one));
    const flags = ['--html', place.path('out', 'page.html'), '--store', place.path('store')];
    const run = await bivdiff('compare', ...names, 'gone.mp4', 'abcd1234', ...flags);
    expectOneError(run, /^error: 6 problems:$/m);
    for (const problem of [
      /b\.mkv has frames of 32x32, \S+a\.mkv of 48x32$/m,
      /c\.mkv has 4 frames, \S+a\.mkv has 3 frames$/m,
      /no\.mp4.*$/m,
      /no\.json is neither a report of bivdiff render nor a table of bivdiff sweep$/m,
      /gone\.mp4: there is no such file, and it is no job's id$/m,
      /there is no store at \S+store$/m,
    ]) {
      expect(run.stderr).toMatch(problem);
    }
    expect(await place.outputs()).toEqual([]);
    const alone = await bivdiff('compare', names[0]!);
    expectOneError(alone, /one clip is compared with nothing/);
    // Neither what follows from one that is missing, nor the store that is missing for each job.
    const missing = ['gone.mp4', 'abcd1234', 'abcd5678', '--store', place.path('store')];
    expectOneError(await bivdiff('compare', names[0]!, ...missing), /^error: 2 problems:$/m);
    const odd = await bivdiff('compare', ...names.slice(0, 1), '--html', join('x', 'page.txt'));
    expectOneError(odd, /--html: x\/page\.txt does not end in \.html/);
  });
});

describe('BIVDiff and what it is compared with', () => {
  it('is rendered from specs, in one table and on one page', async () => {
    await using place = await createWorkplace();
    const models = await modelsOfWindows(place);
    const spec = (name: string, seed: number, frames = 3) =>
      writeFile(
        place.path(`${name}.yaml`),
        [
          ...['apiVersion: bivdiff/v1', 'task: controlnet', `models: ${models}`],
          ...[
            `input: { path: ${SOURCE} }`,
            `prompt: a ${name} square`,
            `frames: ${frames}`,
            `seed: ${seed}`,
          ],
        ].join('\n'),
      );
    await spec('red', 1);
    await spec('blue', 2);
    const page = place.path('out', 'page.html');
    const flags = ['--steps', '4', '--store', place.path('store'), '--html', page];
    const files = [place.path('red.yaml'), place.path('blue.yaml')];
    const words = ['compare', '--baselines', '--json', ...files, ...flags];
    const run = await endOfCli(startCli(words, { BIVDIFF_PYTHON: '' }));
    expect(run.code, run.stderr).toBe(0);
    const { clips, means, notes } = jsonOf<
      Comparison & {
        readonly means: readonly Pick<Comparison['clips'][number], 'label' | 'measured'>[];
      }
    >(run);
    const names = ['frames alone', 'frames alone, one noise', 'ControlVideo', 'noised (SDEdit)'];
    names.push('video inversion only', 'image inversion only', 'BIVDiff');
    expect(means.map(({ label }) => label)).toEqual(names);
    expect(clips.map(({ label }) => label)).toEqual(
      ['red', 'blue'].flatMap((one) => ['control', ...names].map((name) => `${one}: ${name}`)),
    );
    const flickerOf = (label: string): number =>
      clips.find((clip) => clip.label === label)!.measured!['flicker']!.mean;
    for (const { label, measured } of means) {
      const own = (flickerOf(`red: ${label}`) + flickerOf(`blue: ${label}`)) / 2;
      expect(measured?.['flicker']?.mean).toBeCloseTo(own, 9);
    }
    expect(means[0]?.measured?.['drift']).toBeUndefined();
    expect(notes.join('\n')).toMatch(/^Tune-A-Video is left out: .*--python names a Python/m);
    // Frames alone and BIVDiff are of one render, before and after smoothing; the others of one each.
    const own = clips.slice(1, 1 + names.length);
    const smoothed = Array.from({ length: 5 }, () => 'smoothed');
    expect(own.map(({ panel }) => panel)).toEqual(['generated', 'generated', ...smoothed]);
    expect(own[0]?.job).toBe(own[6]?.job);
    expect(new Set(own.map(({ job }) => job)).size).toBe(6);
    expect(await readFile(page, 'utf8')).toContain('reference: frames alone');

    await spec('long', 3, 4);
    const unlike = await bivdiff(
      'compare',
      '--baselines',
      files[0]!,
      place.path('long.yaml'),
      ...flags,
    );
    expectOneError(unlike, /long renders 4 frames of 64x32, red 3 frames of 64x32/);

    // Of models without the graph that it needs.
    await writeFile(
      place.path('plain.yaml'),
      (await readFile(files[0]!, 'utf8')).replace(models, TINY_SET),
    );
    const plain = ['compare', '--baselines', place.path('plain.yaml'), ...flags];
    // A variable may be there for the sake of other programs.
    const without = await endOfCli(startCli(plain, { BIVDIFF_PYTHON: 'false' }));
    expect(without.code, without.stderr).toBe(0);
    expect(without.stdout).toMatch(
      /^Tune-A-Video is left out: BIVDIFF_PYTHON: false cannot tune: it ended with 1$/m,
    );
    expect(without.stdout).toMatch(/^BIVDiff +\d/m);
    expect(without.stdout).not.toMatch(/^ControlVideo +\d/m);
    expect(without.stdout).toMatch(/^ControlVideo is left out: .*no ControlVideo graph for canny/m);
    const needless = await bivdiff('compare', '--steps', '4');
    expectOneError(needless, /no clip is named.*\n.*--steps: is for --baselines/);
  });
});

/** The tiny models with a graph for ControlVideo: nothing in that of the ControlNet tells a batch from a window. */
async function modelsOfWindows(place: Workplace): Promise<string> {
  const folder = await copyTinyModels(place);
  const path = join(folder, 'card.json');
  const card = JSON.parse(await readFile(path, 'utf8')) as { generators: Record<string, object> };
  const { generators } = card;
  const together = { ...generators['canny'], method: 'controlvideo' };
  await writeFile(path, JSON.stringify({ ...card, generators: { ...generators, together } }));
  return folder;
}
