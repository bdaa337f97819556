// What acceptance can know of outputs. That the limits are the encoders' own is held by test/integration/workers/media/output-limits.test.ts.

import { describe, expect, it } from 'vitest';

import { outputProblems } from '../../../../coordinator/domain/check-outputs.ts';
import type { AssembleParams } from '../../../../common/stages.ts';

type Format = AssembleParams['format'];

const output = (layout: AssembleParams['layout'], format: Format, framesPerSecond = 8) => ({
  layout,
  format,
  framesPerSecond,
});

interface Asked {
  readonly side?: number;
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  readonly panels?: number;
}

function told(outputs: readonly AssembleParams[], asked: Asked = {}): string[] {
  const { side = 512, frames = 8, panels = 3 } = asked;
  const { width = side, height = side } = asked;
  return outputProblems({ size: { width, height }, frames, panels, outputs });
}

describe('a clip', () => {
  it.each<[Format, number, number]>([
    ['mp4', 8192, 8192],
    ['mp4', 16384, 4096],
    ['mp4-av1', 8192, 6144],
    ['mp4-hevc', 32, 32],
    ['mov', 65_528, 16],
    ['mkv', 8192, 8192],
    ['png16-sequence', 16376, 16376],
    ['gif', 65528, 16],
    ['png-sequence', 16376, 16376],
    ['mp4', 8, 8],
  ])('is taken as %s of %i by %i', (format, width, height) => {
    expect(told([output('clip', format)], { width, height, frames: 1 })).toEqual([]);
  });

  it.each<[Format, number, number, RegExp]>([
    [
      'mp4-av1',
      8192,
      8192,
      /^output\.format: frames of 8192x8192 .* choose mp4, webm or png-sequence, or a smaller size$/,
    ],
    [
      'mp4-hevc',
      8,
      64,
      /^output\.format: frames of 8x64 are too small: HEVC takes sides from 32 .* or a larger size$/,
    ],
    ['mp4', 16392, 16, /^output\.format: frames of 16392x16 .*16,384 pixels.*png-sequence/],
    ['gif', 65536, 16, /^output\.format: frames of 65536x16 .*65,535 pixels.*png-sequence/],
    ['mp4', 16384, 16384, /^size: frames of 16384x16384 .*; choose a smaller size$/],
  ])('is refused as %s of %i by %i', (format, width, height, words) => {
    const problems = told([output('clip', format)], { width, height });
    expect(problems).toEqual([expect.stringMatching(words)]);
  });

  it('is no GIF of more frames than memory is for', () => {
    // 512 MiB over 1024 x 1024 x 3 bytes.
    const problems = told([output('clip', 'gif')], { side: 1024, frames: 171 });
    expect(problems).toEqual([
      'output.format: 171 frames are too many: a GIF is made in memory: of 1024x1024 at most 170 frames; ' +
        'choose mp4, webm or png-sequence, or fewer frames',
    ]);
    expect(told([output('clip', 'gif')], { side: 1024, frames: 170 })).toEqual([]);
    expect(told([output('clip', 'gif')], { side: 8192 })).toEqual([
      expect.stringMatching(/; choose mp4, webm or png-sequence, or fewer frames$/),
    ]);
    // At so slow a rate only pictures one by one do.
    expect(told([output('clip', 'gif', 0.001)], { side: 1024, frames: 171 })).toEqual([
      expect.stringMatching(/^output\.framesPerSecond: 0\.001 /),
      expect.stringMatching(/; choose png-sequence, or fewer frames$/),
    ]);
  });

  it.each<[Format, number, boolean]>([
    ['mp4', 120, true],
    ['mp4', 1, true],
    ['mp4', 0.01, true],
    ['mp4', 0.009, false],
    ['webm', 0.5, true],
    ['mov', 0.009, false],
    ['gif', 50, true],
    ['gif', 60, false],
    ['gif', 0.016, true],
    ['gif', 0.015, false],
    ['png-sequence', 0.0001, true],
  ])('as %s with %d frames per second: %s', (format, framesPerSecond, isTaken) => {
    const problems = told([output('clip', format, framesPerSecond)]);
    const words = new RegExp(`^output\\.framesPerSecond: ${framesPerSecond} cannot be written: `);
    expect(problems).toEqual(isTaken ? [] : [expect.stringMatching(words)]);
  });
});

describe('a comparison', () => {
  const both = (format: Format, framesPerSecond?: number) => [
    output('clip', format, framesPerSecond),
    output('comparison', format === 'png-sequence' ? 'mp4' : format, framesPerSecond),
  ];

  it('may be as wide as the encoder takes', () => {
    // 3 x 5376 and two lines of 2 x 34 (letters of 5376 / 160 pixels, rounded); higher by the strip of labels.
    expect(told(both('mp4'), { width: 5408, height: 1024 })).toEqual([]);
    expect(told(both('mp4'), { width: 5464, height: 1024 })).toEqual([
      'output.comparison: 3 pictures side by side are 16416x1103, too large: MP4 takes sides from 8 to 16,384 ' +
        'pixels and up to 67,108,864 pixels a picture; choose the format webm, a smaller size, or leave the comparison out',
    ]);
    expect(told(both('mp4'), { width: 5464, height: 1024, panels: 2 })).toEqual([]);
  });

  it('names the format that would take it', () => {
    expect(told(both('mp4-av1'), { side: 2560 })).toEqual([]);
    expect(told(both('mp4-av1'), { side: 3200 })).toEqual([
      expect.stringMatching(
        /^output\.comparison: .* choose the format mp4 or webm, a smaller size, or leave the comparison out$/,
      ),
    ]);
  });

  it('has a rate that is told once, with the clip', () => {
    expect(told(both('gif', 60))).toHaveLength(1);
    expect(told(both('png-sequence', 0.0001))).toHaveLength(1);
  });

  it('is no GIF of more frames than memory is for, though the clip is', () => {
    expect(told(both('gif'), { side: 1024, frames: 100 })).toEqual([
      expect.stringMatching(
        /^output\.comparison: 100 frames .* of 3096x1103 at most 52 frames; choose the format mp4 or webm, fewer frames, or leave the comparison out$/,
      ),
    ]);
  });
});

describe('a contact sheet', () => {
  const sheet = [output('contact-sheet', 'png')];

  it('is taken up to the pixels that a PNG may be made of', () => {
    expect(told(sheet, { side: 2560, frames: 100 })).toEqual([]);
    expect(told(sheet, { side: 2800, frames: 100 })).toEqual([
      expect.stringMatching(
        /^output\.contactSheet: 3 rows of pictures of 2800x2800 are 33996x9105, .*268,402,689.*leave the contact sheet out$/,
      ),
    ]);
    expect(told(sheet, { side: 2800, frames: 8 })).toEqual([]);
  });
});
