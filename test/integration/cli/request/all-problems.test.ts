// Goal: whatever is wrong with a request comes in one error, each thing once, and nothing is written. Method: command lines with two or three
// mistakes of different kinds - how a value is written, its range, settings that contradict each other, files, what a source or the models
// show - on the real models and clip, and what --json lists.

import { describe, expect, it } from 'vitest';

import {
  NO_CUTS,
  NO_FIT,
  NO_FRAMES,
  NO_INPUT,
  NO_MODELS,
  PROMPT,
  STEPS,
  TOO_SHORT,
  UNKNOWN_CONTROL,
  matching,
  problemsOf,
  useRequestFolder,
} from '../../../support/request-problems.ts';
import type { Expected } from '../../../support/request-problems.ts';

const WHOLE = '--task controlnet --prompt p';
const RENDER = `render ${WHOLE} --output o.mp4`;
/** Each was told in parts, the rest only once these were mended. */
const TOGETHER: readonly (readonly [string, Expected])[] = [
  [
    'render --input none.mp4 --frames 0 --control nonsense --size 7x7 --steps x',
    [
      ...[STEPS, '--task is missing', NO_FRAMES, '--size: expected WIDTHxHEIGHT', PROMPT],
      ...['--output is missing', NO_INPUT, UNKNOWN_CONTROL],
    ],
  ],
  [`${RENDER} --input none.mp4 --frames 0`, [NO_FRAMES, NO_INPUT]],
  [`${RENDER} --input none.mp4 --steps x --size 30x30`, [STEPS, NO_INPUT, NO_FIT]],
  [`${RENDER} --input clip.mp4 --cuts none.txt --control nonsense`, [NO_CUTS, UNKNOWN_CONTROL]],
  [`${RENDER} --input none.mp4 --cuts none.txt`, [NO_CUTS, NO_INPUT]],
  [`${RENDER} --input none.mp4 --models ./none`, [NO_MODELS, NO_INPUT]],
  [`${RENDER} --input none.mp4 --size 30x30`, [NO_INPUT, NO_FIT]],
  [`${RENDER} --input none.mp4 --video-model no`, [NO_INPUT, '--video-model: no video model no']],
  [`${RENDER} --input clip.mp4 --models ./none --frames 5000`, [NO_MODELS, TOO_SHORT]],
  [`${RENDER} --input clip.mp4 --frames 5000 --steps x`, [STEPS, TOO_SHORT]],
  [
    `render ${WHOLE} --output clip.mp4/o.mp4 --input none.mp4`,
    [NO_INPUT, /clip\.mp4.* is not a folder/],
  ],
  [
    `${RENDER} --input clip.mp4 --control-input none.mp4 --frames 5000`,
    [/^--control-input: .*none\.mp4: no such file/, TOO_SHORT],
  ],
  [
    `${RENDER} --input bad.mp4 --control-input none.mp4 --seed -1`,
    [
      '--seed: expected 0 to',
      '--input: bad.mp4 is not a video or picture that can be read. Its first bytes',
      /^--control-input: .*none\.mp4: no such file/,
    ],
  ],
  [
    'render --task inpainting --prompt p --output o.mp4 --input none.mp4 --mask nomask.mp4',
    [NO_INPUT, /^--mask: .*nomask\.mp4: no such file/],
  ],
  [
    'render --task inpainting --prompt p --output o.mp4 --input clip.mp4 --mask nomask.mp4 --mask-rectangle 1,2,3,4',
    [/^--mask: .*nomask\.mp4: no such file/, '--mask-rectangle: the mask says what'],
  ],
  [
    'render --task inpainting --prompt p --output o.mp4 --input clip.mp4 --mask nomask.mp4 --mask-rectangle 1,2,3',
    ['--mask-rectangle: expected X,Y,WIDTH,HEIGHT', /^--mask: .*nomask\.mp4: no such file/],
  ],
  [
    `${RENDER} --input clip.mp4 --cuts far.txt --frames 9 --steps 0`,
    ['--steps: expected 1 to 1000, got 0', '--cuts: there is no frame 500; the last of 9 is 8'],
  ],
  [
    `${RENDER} --input none.mp4 --window 4 --window-stride 9`,
    [NO_INPUT, '--window-stride: 9 frames, but a window is of 4'],
  ],
  [
    `${RENDER} --input clip.mp4 --models ./none --bridging none --mixing-ratio 0.3`,
    [NO_MODELS, '--mixing-ratio: bridging.strategy none inverts nothing'],
  ],
  [
    `${RENDER} --input clip.mp4 --store clip.mp4 --frames 5000`,
    [TOO_SHORT, /^no store can be at .*clip\.mp4: it is not a folder\. Choose/],
  ],
  [
    `${RENDER} --input clip.mp4 --store o.mp4/store --frames 0`,
    [NO_FRAMES, /^the store .*o\.mp4\/store would be where an output goes, .*o\.mp4; choose/],
  ],
  [
    `render ${WHOLE} --output pictures/ --input clip.mp4 --store pictures --frames 0`,
    [NO_FRAMES, /^the store .*pictures would be where an output goes/],
  ],
  [
    `${RENDER} --input clip.mp4 --device nonsense --frames 0`,
    [NO_FRAMES, 'device nonsense does not work here'],
  ],
  [
    `${RENDER} --input clip.mp4 --canny-low 200 --canny-high 100 --frames 0`,
    [NO_FRAMES, '--canny-low: 200 is above the high threshold, 100'],
  ],
  [
    `render ${WHOLE} --output clip.mp4 --input clip.mp4 --frames 0`,
    [NO_FRAMES, /^--output: .*clip\.mp4 is the source, which an output shall not replace/],
  ],
  [
    `${RENDER} --input none.mp4 --size 8x8 --format gif --fps 100 --audio keep`,
    [
      /^--output: .*o\.mp4 does not end in \.gif/,
      NO_INPUT,
      '--size: 8x8 does not fit',
      '--stride: 4, and sound is kept only beside every frame',
      '--format: gif has no place for sound',
      '--fps: 100 cannot be written',
    ],
  ],
  [
    `${RENDER} --input clip.mp4 --frames 0 --window-block 3 --long blend`,
    [NO_FRAMES, '--window-block: is for long co-denoise'],
  ],
  [
    `${RENDER} --input none.mp4 --prompt-fade 3 --timesteps 1,2`,
    ['--timesteps: expected timesteps that descend', NO_INPUT, '--prompt-fade: is for prompts of'],
  ],
  ['render none.yaml --frames 0', ['reading the spec none.yaml: there is no such file', NO_FRAMES]],
  [
    'plan none.yaml --steps x --input none.mp4',
    ['reading the spec none.yaml: there is no such file', STEPS, NO_INPUT],
  ],
  ['plan --input none.mp4 --frames 0', ['--task is missing', NO_FRAMES, PROMPT, NO_INPUT]],
  [`plan ${WHOLE} --input none.mp4 --size 30x30`, [NO_INPUT, NO_FIT]],
  [
    `sweep --mixing-ratio 0,x --input none.mp4 ${WHOLE} --frames 0`,
    [NO_FRAMES, NO_INPUT, '--output is missing', '--mixing-ratio: expected a number, got "x"'],
  ],
  [
    `sweep --mixing-ratio 0,,1 --input none.mp4 ${WHOLE} --frames 0 --output clip.mp4/x --html a.txt`,
    [
      ...[NO_FRAMES, NO_INPUT, '--mixing-ratio: a value is missing in "0,,1"'],
      ...[/clip\.mp4.* is not a folder/, '--html: a.txt does not end in .html'],
    ],
  ],
  [
    `sweep --mixing-ratio 0,1 --input none.mp4 ${WHOLE} --size 30x30 --output x`,
    [NO_INPUT, NO_FIT],
  ],
  [
    'submit --input none.mp4 --frames 0 --priority 200',
    [
      ...['--task is missing', NO_FRAMES, PROMPT, NO_INPUT],
      '--priority: expected a whole number, 0 to 100, got "200"',
    ],
  ],
  [`submit ${WHOLE} --input clip.mp4 --frames 5000 --steps x`, [STEPS, TOO_SHORT]],
];

/** Of the second mistake nothing can be said, or it is none, while there is the first. */
const ONCE: readonly (readonly [string, Expected])[] = [
  [`${RENDER} --input clip.mp4 --frames 0 --cuts far.txt`, [NO_FRAMES]],
  [`${RENDER} --input clip.mp4 --frames 0 --seed-at 9=1`, [NO_FRAMES]],
  [`${RENDER} --input none.mp4 --frames 0-900 --cuts far.txt`, [/none\.mp4: no such file/]],
  [`${RENDER} --input clip.mp4 --models ./none --size 30x30`, [/none cannot be used/]],
  [`${RENDER} --input clip.mp4 --models ./none --video-model no`, [/none cannot be used/]],
  [`${RENDER} --input clip.mp4 --models ./none --fast`, [/none cannot be used/]],
  [`${RENDER} --input none.mp4 --audio keep --stride 1`, [/none\.mp4: no such file/]],
  [`${RENDER} --input clip.mp4 --bridging nonsense --strength 0.5`, ['--bridging: expected one']],
  [`${RENDER} --input clip.mp4 --window x --window-stride 20`, ['--window: expected a number']],
  [`${RENDER} --input clip.mp4 --long x --window-block 3`, ['--long: expected one of']],
  [`${RENDER} --input clip.mp4 --prompt-at 3 --prompt-fade 2`, ['--prompt-at: expected']],
  [`render ${WHOLE} --output o.avi --input clip.mp4 --comparison c.webm`, ['--output: no format']],
  [`render ${WHOLE} --output= --input clip.mp4`, ['--output: expected a file name, got ""']],
  [
    'render --task inpainting --prompt p --output o.mp4 --input clip.mp4 --mask-rectangle 1,2,3 --mask-to 5,5,5,5',
    ['--mask-rectangle: expected X,Y,WIDTH,HEIGHT'],
  ],
  [
    'render --preset nonsense --prompt p --output o.mp4 --input clip.mp4',
    ['--preset nonsense: expected one of'],
  ],
  [
    'plan --preset bivdiff-controlnet --steps 3 --size 30x30 --prompt p --input clip.mp4',
    ['--size "30x30" contradicts --preset', '--steps 3 contradicts --preset'],
  ],
  ['render none.yaml --output o.mp4', ['reading the spec none.yaml: there is no such file']],
];

useRequestFolder();

describe('mistakes of different kinds', () => {
  it.each(TOGETHER)('are told together: %s', async (command, expected) => {
    expect(await problemsOf(command.split(' '))).toEqual(matching(expected));
  });

  it.each(ONCE)(
    'that follow from another are not told beside it: %s',
    async (command, expected) => {
      expect(await problemsOf(command.split(' '))).toEqual(matching(expected));
    },
  );
});
