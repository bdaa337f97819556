// From a spec, models and a source to a job: what each task of the paper adds to it, and what is refused.

import { describe, expect, it } from 'vitest';

import { canonicalJson } from '../../../../common/canonical-json.ts';
import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { ModelSet } from '../../../../common/models/model-set.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { panelsOf } from '../../../../recipes/panels.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels } from '../../../support/made-up-models.ts';

const CANNY = madeUpModels(madeUpGenerator());
const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const source = {
  kind: 'video',
  digest: digestText('clip'),
  path: 'clip.mp4',
  frames: 29,
  width: 64,
  height: 32,
  alpha: false,
} as const;

function accept(settings: object, models = CANNY): AcceptedJob {
  const whole = { apiVersion: 'bivdiff/v1', input: { path: 'clip.mp4' }, prompt: 'go' };
  const spec = parseRenderSpec({ ...whole, ...settings }, 'the test');
  return acceptSpec({ spec, models, source, numerics });
}

function problemsOf(settings: object, models = CANNY): unknown {
  try {
    accept(settings, models);
  } catch (reason) {
    const { code, details } = BivdiffError.from(reason);
    expect(code).toBe('invalid-argument');
    return details['problems'];
  }
  return [];
}

const keysOf = (job: AcceptedJob): string[] =>
  Object.keys(JSON.parse(canonicalJson(job)) as object);

describe('a job of task frames', () => {
  const job = accept({ task: 'frames' });

  it('has what every job has, and nothing of a control', () => {
    expect(keysOf(job)).toEqual([
      ...['frameBatch', 'frames', 'height', 'inversion', 'mixingRatio', 'models', 'negativePrompt'],
      ...['normScope', 'numerics', 'outputs', 'plannerRevision', 'posterior', 'prompt', 'resize'],
      ...['seed', 'source', 'steps', 'task', 'videoGuidanceScale', 'videoPrompt', 'width'],
      'window',
    ]);
  });

  it('has the models of the bridge, those that a drawn render has too', () => {
    const { controlUnet, ...bridge } = Object.fromEntries(
      Object.entries(accept({ task: 'controlnet' }).models),
    );
    expect(controlUnet).toEqual({
      name: 'image/unet+canny',
      digest: digestText('image/unet+canny'),
    });
    expect(job.models).toEqual(bridge);
    expect(Object.keys(bridge)).toHaveLength(9);
  });

  it('needs no generator', () => {
    expect(accept({ task: 'frames' }, madeUpModels())).toEqual(job);
  });
});

describe('a job of task controlnet', () => {
  it('has beside what every job has how its frames are drawn', () => {
    const job = accept({ task: 'controlnet', control: { low: 70, scale: 0.5 } });
    const more = keysOf(job).filter((key) => !keysOf(accept({ task: 'frames' })).includes(key));
    expect(more).toEqual(['control', 'guidanceScale', 'sampler']);
    expect(job).toMatchObject({
      control: { annotator: 'canny', low: 70, high: 150, scale: 0.5 },
      guidanceScale: 7.5,
      sampler: 'ddim',
      negativePrompt: 'blurry',
    });
  });
});

describe('a window of one frame', () => {
  it.each([{ window: 1 }, { frames: 1 }])('is inverted by the plain UNet: %j', (settings) => {
    const job = accept({ task: 'frames', ...settings });
    expect(job).toMatchObject({ window: 1, normScope: 'frame' });
    expect(job.models.inversionUnet.name).toBe('image/unet');
  });

  it('needs no inflated UNet', () => {
    const image: { -readonly [K in keyof ModelSet['image']]: ModelSet['image'][K] } = {
      ...CANNY.image,
    };
    delete image.unetInflated;
    const models = { ...CANNY, image };
    expect(problemsOf({ task: 'frames', window: 1 }, models)).toEqual([]);
    expect(problemsOf({ task: 'frames', window: 2 }, models)).toEqual([
      expect.stringContaining('no inflated UNet'),
    ]);
  });
});

describe('what is shown', () => {
  it.each(['controlnet', 'frames'] as const)('of task %s are its panels', (task) => {
    const plan = createPlan(accept({ task, output: { comparison: true } }));
    const comparison = plan.task({ node: 'assemble', index: 1 }).inputs;
    const read = Object.entries(comparison).filter(([, parts]) => parts.length > 0);
    const own = task === 'frames' ? [] : ['control'];
    expect(new Set(read.map(([role]) => role))).toEqual(new Set(panelsOf(task, own)));
  });
});

describe('a spec is refused', () => {
  it('if the models have no generator for its control', () => {
    const others = [
      madeUpGenerator({ task: 'other' }),
      madeUpGenerator({ name: 'depth', conditions: [{ annotator: 'depth' }] }),
      madeUpGenerator({ name: 'red', task: 'other' }),
    ];
    const told = (names: string) => [
      `control.type: the models in /models/x have no ControlNet for canny (they have: ${names})`,
    ];
    expect(problemsOf({ task: 'controlnet' }, madeUpModels())).toEqual(told('none'));
    expect(problemsOf({ task: 'controlnet' }, madeUpModels(...others))).toEqual(told('depth'));
  });

  it('with the threshold of the card, if its own is on the wrong side of it', () => {
    expect(problemsOf({ task: 'controlnet', control: { low: 200 } })).toEqual([
      'control.low: 200 is above the high threshold, 150',
    ]);
    expect(problemsOf({ task: 'controlnet', control: { high: 50 } })).toEqual([
      'control.low: 60 is above the high threshold, 50',
    ]);
  });

  it.each([
    [[{ annotator: 'canny', low: 150, high: 60 }], '0 low must not be above high'],
    [[{ annotator: 'depth', low: 60, high: 150 }], 'card.json names no annotator depth'],
    [[{ annotator: 3 }], '0 annotator '],
    [[{ annotator: 'canny', low: 60 }], '0 high '],
    [[], ''],
    [
      [
        { annotator: 'canny', low: 60, high: 150 },
        { annotator: 'canny', low: 20, high: 40 },
      ],
      '',
    ],
  ])('if the card says of the condition %j', (conditions, why) => {
    expect(
      problemsOf({ task: 'controlnet' }, madeUpModels(madeUpGenerator({ conditions }))),
    ).toEqual([
      expect.stringContaining(
        `models: card.json in /models/x, generators.canny.conditions: ${why}`,
      ),
    ]);
  });

  it.each([
    [
      { frames: 9 },
      'frames',
      'but 33 are needed for 9 frames from 0 with stride 4; at most 8 can be rendered so; all 9 with a stride of up to 3',
    ],
    [
      { frames: 20 },
      'frames',
      'but 77 are needed for 20 frames from 0 with stride 4; at most 8 can be rendered so; all 20 with stride 1',
    ],
    [
      { frames: 40 },
      'frames',
      'but 157 are needed for 40 frames from 0 with stride 4; at most 8 can be rendered so',
    ],
    [
      { frames: 8, input: { path: 'clip.mp4', start: 2 } },
      'frames',
      'but 31 are needed for 8 frames from 2 with stride 4; at most 7 can be rendered so; all 8 with a stride of up to 3, or start 0',
    ],
    [
      { frames: 1, input: { path: 'clip.mp4', start: 500 } },
      'input.start',
      '0 to 28, and 500 is none of them',
    ],
    [
      { frames: 8, input: { path: 'clip.mp4', start: 29 } },
      'input.start',
      '0 to 28, and 29 is none of them',
    ],
  ])('by what of %j asks for frames that are not there', (settings, field, why) => {
    expect(problemsOf({ task: 'controlnet', ...settings })).toEqual([
      `${field}: clip.mp4 has 29 frames, ${why}`,
    ]);
  });

  it('for everything that does not fit, at once', () => {
    const settings = { size: '60x32', frames: 9, videoModel: 'long', control: { low: 200 } };
    expect(problemsOf({ task: 'controlnet', ...settings })).toEqual([
      expect.stringMatching(/^size: 60x32 /),
      expect.stringMatching(/^frames: clip.mp4 has 29 frames, but 33 are needed/),
      expect.stringMatching(/^videoModel: no video model long /),
      expect.stringMatching(/^control.low: /),
    ]);
  });
});

describe('bridging', () => {
  const stages = (job: AcceptedJob): string[] => createPlan(job).nodes.map(({ stage }) => stage);
  const frames = (bridging: object, more: object = {}): AcceptedJob =>
    accept({ task: 'frames', bridging, ...more });

  it.each([
    [{ strategy: 'image-only' }, { mixingRatio: 1 }],
    [{ strategy: 'video-only' }, { mixingRatio: 0 }],
    [{ strategy: 'mixed' }, { mixingRatio: 0.3 }],
  ])('%j is the job of a mixing ratio', (bridging, ratio) => {
    const more = bridging.strategy === 'mixed' ? ratio : {};
    expect(frames(bridging, more)).toEqual(accept({ task: 'frames', ...ratio }));
  });

  it('none inverts nothing, and depends on nothing of an inversion', () => {
    const job = frames({ strategy: 'none' });
    expect(job).toMatchObject({ mixingRatio: 0, strength: 0.6, normScope: 'frame' });
    expect(stages(job)).toEqual([
      ...['ingest', 'encode', 'smooth', 'decode', 'measure', 'assemble'],
    ]);
    expect(
      frames({ strategy: 'none', strength: 0.6 }, { inversion: { normScope: 'frame' } }),
    ).toEqual(job);
  });

  it.each([
    [{ bridging: { strength: 0.5 } }, /^bridging\.strength: is for strategy none/],
    [
      { bridging: { strategy: 'image-only' }, mixingRatio: 0.5 },
      /^mixingRatio: 0\.5 contradicts bridging\.strategy image-only, which is mixing ratio 1/,
    ],
    [
      { bridging: { strategy: 'none' }, mixingRatio: 0.5 },
      /^mixingRatio: bridging\.strategy none inverts nothing/,
    ],
    [
      { bridging: { strategy: 'none' }, inversion: { mode: 'ddim' } },
      /^inversion\.mode: bridging\.strategy none inverts nothing/,
    ],
    [
      { bridging: { strategy: 'none', strength: 0.04 }, steps: 20 },
      /^bridging\.strength: 0\.04 of 20 steps is not one; at least 0\.05, or more steps/,
    ],
  ])('%j is refused', (settings, sentence) => {
    expect(problemsOf({ task: 'frames', ...settings })).toEqual([
      expect.stringMatching(sentence) as unknown,
    ]);
  });
});
