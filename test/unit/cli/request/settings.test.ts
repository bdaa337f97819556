// Flags: from what a user wrote to a request, or to all that is wrong with it.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { requestFromFlags } from '../../../../cli/request/render-request.ts';
import type { RenderRequest } from '../../../../cli/request/render-request.ts';
import { layerOfFlags } from '../../../../cli/request/run-options.ts';
import type { TypedFlags } from '../../../../cli/flags/render-flags.ts';
import { RECIPES } from '../../../../recipes/spec/schema.ts';

const TASKS = RECIPES.map(({ name }) => name).join(', ');
const WHOLE: TypedFlags = {
  task: 'controlnet',
  input: 'clip.mp4',
  prompt: 'a red square',
  output: 'out.mp4',
};

function request(flags: TypedFlags): RenderRequest {
  return requestFromFlags(layerOfFlags(flags, { folder: '/here' }), { needsOutput: true });
}

function problemsOf(run: () => unknown): unknown {
  try {
    run();
  } catch (reason) {
    return BivdiffError.from(reason).details['problems'];
  }
  return [];
}

describe('flags', () => {
  it("become a spec with absolute paths and the schema's defaults", () => {
    const { spec, files } = request({
      ...WHOLE,
      size: '128x64',
      guidanceScale: '5',
      cannyLow: '60',
    });
    expect(spec).toMatchObject({
      apiVersion: 'bivdiff/v1',
      task: 'controlnet',
      input: { path: '/here/clip.mp4', start: 0, stride: 4 },
      frames: 8,
      size: { width: 128, height: 64 },
      guidanceScale: 5,
      control: { type: 'canny', low: 60 },
      seed: 42,
      output: { format: 'mp4', comparison: false },
    });
    expect(files).toEqual({ output: '/here/out.mp4' });
  });

  it('leave to the models what is not given', () => {
    const { spec } = request(WHOLE);
    expect(spec.steps).toBeUndefined();
    expect(spec).not.toHaveProperty('guidanceScale');
    expect(spec.inversion.mode).toBeUndefined();
  });

  it('ask for a comparison and a contact sheet by naming their files', () => {
    const { spec, files } = request({ ...WHOLE, comparison: 'c.mp4', contactSheet: 'c.png' });
    expect(spec.output).toMatchObject({ comparison: true, contactSheet: true });
    expect(files).toMatchObject({ comparison: '/here/c.mp4', contactSheet: '/here/c.png' });
  });

  it.each([
    ['out.mp4', 'mp4'],
    ['out.webm', 'webm'],
    ['out.GIF', 'gif'],
    ['out.mov', 'mov'],
    ['out.MKV', 'mkv'],
    ['frames', 'png-sequence'],
    ['out.d/', 'png-sequence'],
  ])('take the format of %s from its ending', (output, format) => {
    expect(request({ ...WHOLE, output }).spec.output.format).toBe(format);
  });

  it.each([
    ['out.mp4', 'mp4-hevc', 'c.mp4'],
    ['out.MP4', 'mp4-av1', 'c.mp4'],
    ['frames/', 'png16-sequence', 'c.mp4'],
    ['frames', 'png16-sequence', 'c.mp4'],
    ['out.mkv', 'mkv', 'c.mkv'],
  ])('take %s in the format %s, with a comparison %s', (output, format, comparison) => {
    const { spec } = request({ ...WHOLE, output, format, comparison });
    expect(spec.output.format).toBe(format);
  });

  it('take an empty prompt as it is', () => {
    expect(request({ ...WHOLE, negativePrompt: '' }).spec.negativePrompt).toBe('');
  });

  it('leave the name of a set that ships alone, and make a path absolute', () => {
    expect(request({ ...WHOLE, models: 'demo' }).spec.models).toBe('demo');
    expect(request({ ...WHOLE, models: './demo' }).spec.models).toBe('/here/demo');
  });

  it('report every problem at once, by the name of the flag', () => {
    const flags = {
      task: 'contrlnet',
      controlScale: '3',
      controlEnd: 'late',
      resize: 'strech',
      frames: '0',
      steps: 'many',
      mixingRatio: '0,1',
      guidanceScale: '0.5',
      size: '128',
      slots: '0',
    };
    expect(problemsOf(() => request(flags))).toEqual([
      '--steps: expected a number, got "many"',
      '--mixing-ratio: expected a number, got "0,1" (lists of values are for bivdiff sweep)',
      '--slots: expected a whole number, 1 to 256, got "0"',
      `--task: expected one of ${TASKS}, got "contrlnet"; did you mean controlnet?`,
      '--input is missing: source: a video, an animated GIF or a folder of pictures',
      '--frames: expected 1 to 1000000, got 0',
      '--size: expected WIDTHxHEIGHT, each 8 to 8192, such as 512x512, got "128"',
      '--resize: expected one of stretch, cover, contain, got "strech"; did you mean stretch?',
      '--prompt is missing: what every frame shall show; for task instruct-pix2pix, what is done to it',
      '--guidance-scale: expected 1 to 100, got 0.5',
      '--control-scale: expected a weight (0 to 2), from one to another (0.2..1), or weights at frames (0.2@0..1@7), got "3"',
      '--control-end: expected a share of the steps, 0 to 1, got "late"',
      '--output is missing: where the video goes',
    ]);
  });

  it.each(['0x0', '4x64', '9000x64', '64x99999999999999999999', '64X64', ''])(
    'call a size of %j by its flag, once',
    (size) => {
      expect(problemsOf(() => request({ ...WHOLE, size }))).toEqual([
        `--size: expected WIDTHxHEIGHT, each 8 to 8192, such as 512x512, got "${size}"`,
      ]);
    },
  );

  it.each(['9007199254740993', '99999999999999999999999', '-9007199254740993'])(
    'tell of the seed %s once, as it was typed',
    (seed) => {
      expect(problemsOf(() => request({ ...WHOLE, seed }))).toEqual([
        `--seed: expected 0 to 9007199254740991, got ${seed}`,
      ]);
    },
  );

  it.each(['9007199254740992', '99999999999999999999999', '-1', '1.5', 'x', ''])(
    'tell of the seed %s of some frames once, and what may be one',
    (seed) => {
      expect(problemsOf(() => request({ ...WHOLE, seedAt: [`7-9=${seed}`] }))).toEqual([
        '--seed-at: expected a seed, 0 to 9007199254740991',
      ]);
    },
  );

  it('take the greatest seed of some frames', () => {
    const { seeds } = request({ ...WHOLE, seedAt: ['2-3= 9007199254740991 '] }).spec;
    expect(seeds).toEqual([{ frames: '2-3', seed: 9007199254740991 }]);
  });

  it.each(['10/24', '10-', '10-20/64/2', '10-20/', 'ten'])(
    'say what frames may be, where %s was typed',
    (frames) => {
      expect(problemsOf(() => request({ ...WHOLE, frames }))).toEqual([
        `--frames: expected a number, A-B or A-B/N, got "${frames}"`,
      ]);
    },
  );

  it('that were typed in another encoding than UTF-8 are refused', () => {
    // What Node makes of bytes that are none.
    expect(problemsOf(() => request({ ...WHOLE, prompt: 'a red caf\uFFFD' }))).toEqual([
      '--prompt: what was typed is not UTF-8: a red caf\uFFFD; a spec file in UTF-8 can say it',
    ]);
  });

  it('of another task are refused all at once, by the names that were typed', () => {
    const flags = { ...WHOLE, task: 'frames', control: 'canny', guidanceScale: '3' };
    expect(problemsOf(() => request(flags))).toEqual([
      '--control: for task controlnet, t2i-adapter only, and this is task frames',
      expect.stringMatching(
        /^--guidance-scale: for task controlnet\b.* only, and this is task frames$/,
      ),
    ]);
    expect(() => request(flags)).toThrow(/--control: .*; --guidance-scale: /);
  });

  it.each([
    [{ output: 'out.avi' }, /^--output: no format is known for \/here\/out.avi/],
    [{ format: 'gif' }, /^--output: .* does not end in \.gif/],
    [{ output: 'out.mp4', format: 'png-sequence' }, /^--output: .* fills a folder/],
    [{ output: 'out.mp4', format: 'png16-sequence' }, /^--output: png16-sequence fills a folder/],
    [
      { output: 'out.mov', format: 'mp4-hevc' },
      /^--output: \/here\/out\.mov does not end in \.mp4, as files in the format mp4-hevc do$/,
    ],
    [{ output: 'frames', format: 'mkv' }, /frames names a folder and does not end in \.mkv/],
    [{ output: 'out.mkv', comparison: 'c.mp4' }, /^--comparison: .* does not end in \.mkv/],
    [{ comparison: 'c.webm' }, /^--comparison: .* does not end in \.mp4/],
    [{ contactSheet: 'c.jpg' }, /^--contact-sheet: .* does not end in \.png/],
    [{ report: 'out.mp4' }, /^--report: --output has the same name, \/here\/out\.mp4$/],
    [
      { output: 'pictures/', comparison: 'pictures/c.mp4' },
      /^--comparison: \/here\/pictures\/c\.mp4 is inside \/here\/pictures, which --output names$/,
    ],
    [
      { output: 'out.mp4/', report: 'out.mp4', format: 'png-sequence' },
      /^--report: --output has the same name, \/here\/out\.mp4$/,
    ],
    [
      { output: 'report/out.mp4', report: 'report' },
      /^--output: .*\/report\/out\.mp4 is inside .*\/report, which --report names$/,
    ],
    [{ output: './clip.mp4' }, /^--output: .* is the source/],
  ])('refuse file names that contradict: %j', (flags, text) => {
    expect(problemsOf(() => request({ ...WHOLE, ...flags }))).toEqual([
      expect.stringMatching(text),
    ]);
  });
});
