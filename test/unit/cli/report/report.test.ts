// A comparison's page as text: tables, plots, and what is escaped. How it behaves: test/integration/cli/report.

import { describe, expect, it } from 'vitest';

import { html } from '../../../../cli/report/html.ts';
import { htmlReport, REPORT_HTML_MARK } from '../../../../cli/report/html-report.ts';
import { looksOf, niceTicks, plot } from '../../../../cli/report/plots.ts';
import { figureTable, gridTables } from '../../../../cli/report/tables.ts';
import type { Figure, Report, ReportClip } from '../../../../cli/report/report.ts';

const FLICKER: Figure = {
  ...{ id: 'flicker', name: 'Flicker', along: 'frame pair', unit: 'levels' },
  ...{ better: 'lower', doc: 'What differs.' },
};

const clip = (
  label: string,
  series: readonly (number | null)[],
  mean = series[0] ?? 0,
): ReportClip => ({
  ...{ label, pictures: [], measured: { flicker: { series, mean } } },
});

const report = (clips: readonly ReportClip[]): Report => ({
  ...{ title: 'A title', facts: [], width: 8, height: 8, frames: 3, framesPerSecond: 8 },
  ...{ clips, reference: 0, figures: [FLICKER], specs: [], notes: ['Something is left out.'] },
});

/** Without the white space between and around tags. */
const dense = ({ html: text }: { readonly html: string }): string =>
  text.replaceAll(/\s+/g, ' ').replaceAll(/ ?([<>]) ?/g, '$1');

describe('HTML from a template', () => {
  it('has what is put in as text, but other HTML as it is', () => {
    const name = `<a href="x">&'</a>`;
    expect(html`<p title="${name}">${name}${html`<b>${1}</b>`}${undefined}</p>`.html).toBe(
      '<p title="&#60;a href=&#34;x&#34;&#62;&#38;&#39;&#60;/a&#62;">' +
        '&#60;a href=&#34;x&#34;&#62;&#38;&#39;&#60;/a&#62;<b>1</b></p>',
    );
  });
});

describe('the ticks of an axis', () => {
  it.each([
    [
      [0, 33],
      [0, 10, 20, 30, 40],
    ],
    [
      [0.1, 0.42],
      [0, 0.2, 0.4, 0.6],
    ],
    [
      [0.83, 0.97],
      [0.8, 0.85, 0.9, 0.95, 1],
    ],
    [
      [0.5, 0.5],
      [0, 0.2, 0.4, 0.6],
    ],
    [
      [0, 0],
      [0, 1],
    ],
  ])('around %j are %j', (values, ticks) => {
    expect(niceTicks(values)).toEqual(ticks);
  });
});

describe('a plot', () => {
  it('has a line through the values, and names each', () => {
    const text = dense(plot(FLICKER, [clip('one', [10, 20])])!);
    // From 0 at 188 to 20 at 12, from 54 to 350.
    expect(text).toContain('d="M54 100L350 12"');
    expect(text).toContain('<title>one, frame 2: 10</title>');
    expect(text).toContain('>levels<');
    expect(text).toContain('>frame pair<');
    expect(text).toContain('1–2');
  });

  it('has a gap where nothing was looked at', () => {
    const text = dense(plot(FLICKER, [clip('one', [10, 20, null, 20, 10])])!);
    expect(text).toContain('d="M54 100L128 12M276 12L350 100"');
    expect(text).toContain('<title>one, frame 5: 20</title>');
    expect(text).not.toContain('frame 4:');
  });

  it('is none where nothing has a series', () => {
    expect(plot(FLICKER, [clip('one', [], 3)])).toBeUndefined();
    expect(plot(FLICKER, [clip('one', [null], 3)])).toBeUndefined();
    expect(plot({ ...FLICKER, id: 'other' }, [clip('one', [1, 2])])).toBeUndefined();
  });

  it('gives clips the looks that they have everywhere, and none to what is only shown', () => {
    const shown = { ...clip('control', []), measured: undefined };
    expect(looksOf([shown, clip('a', [1]), shown, clip('b', [1])])).toEqual([-1, 0, -1, 1]);
    expect(plot(FLICKER, [shown, clip('a', [1, 2])])!.html).toContain('class="look-0 dash-0"');
  });
});

describe('the table of figures', () => {
  it('marks the reference and what is best', () => {
    const rows = dense(figureTable(report([clip('a', [4]), clip('b', [2])]))).split('</tr>');
    expect(rows[1]).toContain('reference');
    expect(rows[2]).not.toContain('reference');
    expect(rows[1]).toMatch(/<td>4.00<\/td>/);
    expect(rows[2]).toMatch(/<td class="best">2.00<\/td>/);
  });

  it('is a grid where two settings were swept, shaded from worst to best', () => {
    const clips = [clip('a', [4]), clip('b', [2]), clip('c', [3]), clip('d', [2.5])];
    const grid = {
      rows: { name: 'ratio', values: ['0', '1'] },
      columns: { name: 'guidance', values: ['5', '7'] },
      clips: [
        [0, 1],
        [2, 3],
      ],
    };
    const shades = dense(gridTables(report(clips), grid)).matchAll(/--shade:(\d+)%">([\d.]+)</g);
    expect([...shades].map(([, shade, value]) => [shade, value])).toEqual([
      ['0', '4.00'],
      ['100', '2.00'],
      ['50', '3.00'],
      ['75', '2.50'],
    ]);
  });
});

describe('the page', () => {
  it('is known by its beginning, fetches nothing and says what was left out', () => {
    const text = htmlReport(report([clip('a', [4, 5]), clip('b', [2, 3])]));
    expect(text.slice(0, 200)).toContain(REPORT_HTML_MARK);
    expect(text).toContain("default-src 'none'");
    expect(text).not.toMatch(/(src|href)="(?!data:)/);
    expect(text).toContain('Something is left out.');
    expect(text).not.toContain('The spec to copy');
  });
});
