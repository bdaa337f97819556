// What colour tags are taken for, and which filters they call for.

import { describe, expect, test } from 'vitest';
import {
  assumedTags,
  colourFacts,
  colourTreatment,
  withTagsOf,
} from '../../../../workers/media/ffmpeg/colour.ts';

const UNSPECIFIED = { matrix: 2, primaries: 2, transfer: 2, range: 0 };
const PQ = 16;
const HLG = 18;

describe('what is taken for granted', () => {
  test.each([
    ['untagged YUV is BT.601', UNSPECIFIED, false, { matrix: 6, primaries: 2 }],
    ['RGB has the matrix of RGB and all values', UNSPECIFIED, true, { matrix: 0, range: 2 }],
    ['limited RGB stays limited', { ...UNSPECIFIED, range: 1 }, true, { matrix: 0, range: 1 }],
    ['PQ is BT.2020', { ...UNSPECIFIED, transfer: PQ }, false, { matrix: 9, primaries: 9 }],
    ['HLG is BT.2020', { ...UNSPECIFIED, transfer: HLG }, false, { matrix: 9, primaries: 9 }],
    ['a matrix that is told stays', { ...UNSPECIFIED, matrix: 1 }, false, { matrix: 1 }],
  ] as const)('%s', (_, tags, isRgb, expected) => {
    expect(assumedTags(tags, isRgb)).toMatchObject(expected);
  });

  test('what frames leave open is what the container says', () => {
    const container = { matrix: 1, primaries: 9, transfer: 13, range: 2 };
    expect(withTagsOf(container, UNSPECIFIED)).toEqual(container);
    expect(withTagsOf(container, { ...UNSPECIFIED, matrix: 6, range: 1 })).toEqual({
      ...container,
      matrix: 6,
      range: 1,
    });
  });
});

test.each([
  ['BT.709', { matrix: 1, primaries: 1, transfer: 1, range: 1 }, 'matrix'],
  ['nothing', UNSPECIFIED, 'matrix'],
  ['BT.2020', { matrix: 9, primaries: 9, transfer: 14, range: 1 }, 'wide-gamut'],
  ['Display P3', { matrix: 1, primaries: 12, transfer: 13, range: 1 }, 'wide-gamut'],
  ['linear light', { matrix: 0, primaries: 1, transfer: 8, range: 2 }, 'wide-gamut'],
  ['PQ', { matrix: 9, primaries: 9, transfer: PQ, range: 1 }, 'tone-map'],
  ['HLG', { matrix: 9, primaries: 9, transfer: HLG, range: 1 }, 'tone-map'],
] as const)('a clip tagged %s is brought to sRGB', (_, tags, treatment) => {
  expect(colourTreatment(tags)).toBe(treatment);
});

test('names tags as ffprobe does', () => {
  const tags = { matrix: 8, primaries: 12, transfer: 18, range: 2 };
  expect(colourFacts(tags, tags)).toMatchObject({
    range: 'pc',
    matrix: 'ycgco',
    primaries: 'smpte432',
    transfer: 'arib-std-b67',
  });
  expect(colourFacts({ ...tags, primaries: 22 }, tags)).toMatchObject({ primaries: 'code 22' });
});
