// Comparing what was rendered, and files of any program, with the real program and the tiny models.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  bivdiff,
  createWorkplace,
  expectOneError,
  jsonOf,
  SOURCE,
  tinyFlags,
} from './workplace.ts';

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
    const one = await bivdiff('compare', '--json', rows[0]!.job.slice(0, 16), ...store);
    expect(one.code, one.stderr).toBe(0);
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
    expect(notes).toEqual([expect.stringContaining('Control fidelity is left out')]);
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
    const odd = await bivdiff('compare', ...names.slice(0, 1), '--html', join('x', 'page.txt'));
    expectOneError(odd, /--html: x\/page\.txt does not end in \.html/);
  });
});
