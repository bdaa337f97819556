import { describe, expect, it } from 'vitest';

import {
  describeSource,
  rateText,
  sourceText,
  treatmentOf,
} from '../../../../cli/output/source-facts.ts';
import type { ColourFacts, VideoFacts } from '../../../../workers/media/media-types.ts';

const COLOUR: ColourFacts = {
  ...{ range: 'tv', matrix: 'bt709', primaries: 'bt709', transfer: 'bt709' },
  ...{ taken: { range: 'tv', matrix: 'bt709' }, treatment: 'matrix' },
};
const PLAIN: VideoFacts = {
  ...{ container: 'mp4', codec: 'avc1.64001f', frames: 24, width: 160, height: 96 },
  ...{ rotation: 0, mirrored: false, stored: { width: 160, height: 96 }, pixelAspect: 1 },
  ...{ pixelFormat: 'yuv420p', alpha: false, interlaced: false, colour: COLOUR, sounds: 0 },
  ...{ durationSeconds: 2, framesPerSecond: 12, variableFrameRate: false },
};

function factOf(about: string, changes: Partial<VideoFacts>) {
  return describeSource({ ...PLAIN, ...changes }).find((fact) => fact.about === about);
}

describe('what is told of a source', () => {
  it('is all found and nothing done, where nothing has to be', () => {
    expect(treatmentOf(PLAIN)).toEqual([]);
    expect(sourceText('clip.mp4', PLAIN)).toBe(`clip.mp4
  container     MP4 or MOV
  codec         avc1.64001f
  frames        24
  rate          12 a second
  duration      2.0 s
  size          160x96
  way up        upright
  pixels        square
  pixel format  yuv420p
  range         limited
  matrix        BT.709
  primaries     BT.709
  transfer      BT.709
  HDR           no
  alpha         none
  interlaced    no
  sound         none
`);
  });

  it.each([
    ['way up', { rotation: 90 }, 'turned 90° clockwise'],
    ['way up', { rotation: 270 }, 'turned 90° anticlockwise'],
    ['way up', { mirrored: true }, 'mirrored left to right'],
    ['way up', { mirrored: true, rotation: 180 }, 'mirrored left to right, then turned 180°'],
    ['pixels', { pixelAspect: 2, width: 320 }, 'stretched to square pixels, 320x96'],
    ['pixel format', { pixelFormat: 'yuv420p10le' }, 'brought to 8 bits a channel'],
    [
      'alpha',
      { alpha: true },
      'laid over black; kept by roundtrip and --task frames in MOV, MKV and PNG outputs',
    ],
    ['interlaced', { interlaced: true }, 'deinterlaced with bwdif, two fields to a frame'],
    ['sound', { sounds: 2 }, 'left out, unless --audio keep is given'],
    [
      'rate',
      { variableFrameRate: true },
      'frames are taken one after another, however long each is shown',
    ],
  ] as const)('of %s with %o, is what is done about it', (about, changes, done) => {
    expect(factOf(about, changes)).toMatchObject({ about, done });
  });

  it.each([
    [{}, 'left out'],
    [{ sound: {} }, 'kept'],
  ])('of sound, is what an output does with it', (kept, done) => {
    const treatment = treatmentOf({ ...PLAIN, sounds: 1 }, { keepAlpha: false, ...kept });
    expect(treatment).toEqual([{ about: 'sound', done }]);
  });

  it('of colours, is what they are taken for where the file does not say', () => {
    const untagged = {
      ...{ range: 'unknown', matrix: 'unknown', primaries: 'unknown', transfer: 'unknown' },
      taken: { range: 'tv', matrix: 'smpte170m' },
      treatment: 'matrix',
    } as const;
    const facts = { ...PLAIN, colour: untagged };
    expect(treatmentOf(facts)).toEqual([
      { about: 'range', done: 'taken for limited' },
      { about: 'matrix', done: 'taken for BT.601' },
    ]);
  });

  it('of HDR, is by which curve it is bent', () => {
    const colour = { ...COLOUR, transfer: 'smpte2084', treatment: 'tone-map' } as const;
    expect(factOf('transfer', { colour })?.found).toBe('PQ');
    expect(factOf('HDR', { colour })?.done).toMatch(/^tone-mapped with Hable/);
  });

  it('of a folder, is its first and last picture and all sizes', () => {
    const sizes = [
      { width: 640, height: 480, count: 3 },
      { width: 320, height: 240, count: 1 },
    ];
    const pictures = { first: 'f_1.png', last: 'f_4.png', withAlpha: 1, sizes };
    const folder = { container: 'image-folder', frames: 4, framesPerSecond: 0, pictures } as const;
    expect(factOf('frames', folder)?.found).toBe('4, from f_1.png to f_4.png');
    expect(factOf('size', folder)?.found).toBe('mixed: 640x480 (3), 320x240 (1)');
    expect(factOf('rate', folder)?.found).toBe('none');
    expect(factOf('duration', folder)).toBeUndefined();
    expect(factOf('alpha', { ...folder, alpha: true })?.found).toBe('in 1 picture of 4');
  });

  it('of a rate, is the exact fraction', () => {
    expect(rateText(23.976)).toBe('24000/1001');
    expect(rateText(12.5)).toBe('25/2');
    expect(factOf('rate', { framesPerSecond: 29.97 })?.found).toBe('29.97 (30000/1001) a second');
  });
});
