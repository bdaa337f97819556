// Comparing a job of a part of a clip that has a cut, with the real program and the tiny models.

import { readFile, writeFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { bivdiff, createWorkplace, jsonOf, tinyFlags } from './workplace.ts';

interface Comparison {
  readonly clips: readonly {
    readonly panel?: string;
    readonly measured?: Readonly<
      Record<string, { readonly series: readonly (number | null)[]; readonly mean: number }>
    >;
  }[];
}

interface Report {
  readonly metrics: { readonly flicker: Readonly<Record<'generated' | 'smoothed', number>> };
}

describe('a part of a clip with a cut', () => {
  it('is compared by its own frames, with the figures that its render had', async () => {
    await using place = await createWorkplace();
    const store = ['--store', place.path('store')];
    const render = async (name: string, frames: string): Promise<string> => {
      const report = place.path('out', `${name}.json`);
      const flags = tinyFlags(place, { frames, cuts: place.path('cuts.txt'), report });
      const words = [...flags, '--output', place.path('out', `${name}.mp4`)];
      const rendered = await bivdiff('render', ...words);
      expect(rendered.code, rendered.stderr).toBe(0);
      return report;
    };
    await writeFile(place.path('cuts.txt'), '3');
    const [part, whole] = [await render('part', '1-5/6'), await render('whole', '6')];
    const compared = await bivdiff('compare', '--json', part, ...store);
    expect(compared.code, compared.stderr).toBe(0);
    const { clips } = jsonOf<Comparison>(compared);
    const { metrics } = JSON.parse(await readFile(part, 'utf8')) as Report;
    for (const panel of ['generated', 'smoothed'] as const) {
      const { series, mean } = clips.find((one) => one.panel === panel)!.measured!['flicker']!;
      expect(series.map((one) => one === null)).toEqual([false, true, false, false]);
      expect(mean).toBeCloseTo(metrics.flicker[panel], 9);
    }
    const refused = await bivdiff('compare', whole, part, ...store);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/has 5 frames, .* has 6 frames/);
  });
});
