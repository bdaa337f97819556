import { describe, expect, it } from 'vitest';

import {
  formatBytes,
  formatClock,
  formatFigure,
  formatSeconds,
  formatTable,
  plural,
} from '../../../../cli/output/format.ts';

describe('times and sizes', () => {
  it.each([
    [0, '0:00'],
    [7.4, '0:07'],
    [754, '12:34'],
    [3723, '1:02:03'],
    [-1, '0:00'],
  ])('%d s is %s on a clock', (seconds, text) => {
    expect(formatClock(seconds)).toBe(text);
  });

  it.each([
    [0.84, '0.8 s'],
    [42, '42 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
  ])('%d s is %s in words', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [340 * 2 ** 20, '340 MiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('shows a missing figure as a dash', () => {
    expect([formatFigure(undefined), formatFigure(0.12345)]).toEqual(['-', '0.1235']);
  });

  it('counts in words', () => {
    expect([plural(1, 'task'), plural(2, 'task')]).toEqual(['1 task', '2 tasks']);
  });
});

describe('a table', () => {
  it('aligns words left and numbers right', () => {
    expect(
      formatTable(
        ['stage', 'tasks'],
        [
          ['ingest', 1],
          ['generate', 12],
        ],
      ),
    ).toBe('stage     tasks\ningest        1\ngenerate     12\n');
  });
});
