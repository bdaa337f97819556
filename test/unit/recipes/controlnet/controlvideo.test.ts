// Goal: method controlvideo becomes tasks of whole windows whose frames are the clip, and what contradicts it is told before any work.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import { createPlan, stagesOf, tasksOfStage } from '../../../../coordinator/domain/plan.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

const TOGETHER = madeUpPart('image/unet+together');
const models = madeUpModels(
  madeUpGenerator(),
  madeUpGenerator({ name: 'together', method: 'controlvideo', unet: TOGETHER }),
);

function accept(settings: object, set = models): AcceptedJob {
  const whole = {
    ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', input: { path: 'c.mp4' }, prompt: 'p' },
    ...{ method: 'controlvideo', output: { comparison: true } },
  };
  return acceptSpec({
    spec: parseRenderSpec({ ...whole, ...settings }, 'the test'),
    models: set,
    source: {
      ...{ kind: 'video', digest: digestText('c'), path: 'c.mp4', frames: 120 },
      ...{ alpha: false, width: 128, height: 128 },
    },
    numerics: { inference: 'i', media: 'm', plain: 'p' },
  });
}

function problemsOf(settings: object, set = models): unknown {
  try {
    accept(settings, set);
  } catch (reason) {
    return BivdiffError.from(reason).details['problems'];
  }
  return [];
}

describe('a render by method controlvideo', () => {
  it('draws windows, from one noise, by DDIM, and needs nothing after that', () => {
    const plan = createPlan(accept({ frames: 12, frameBatch: 3 }));
    expect(stagesOf(plan)).toEqual(['ingest', 'annotate', 'generate', 'measure', 'assemble']);
    const tasks = [0, 1].map((index) => plan.task({ node: 'generate', index }));
    expect(tasks.map(({ frames }) => [frames[0], frames.length])).toEqual([
      [0, 8],
      [4, 8],
    ]);
    const [first] = tasks;
    expect(first?.params).toMatchObject({
      method: 'controlvideo',
      sharedNoise: 1,
      sampler: 'ddim',
    });
    expect(first?.models).toMatchObject({
      unet: TOGETHER.digest,
      'vae-encoder': models.image.vaeEncoder.digest,
    });
    // Windows overlap: the first one's frames count.
    const shown = plan.task({ node: 'assemble', index: 1 }).inputs;
    expect(Object.keys(shown)).toEqual(['control', 'smoothed']);
    expect(shown['smoothed']?.map(({ offset, count }) => [offset, count])).toEqual([
      [0, 8],
      [4, 4],
    ]);
  });

  it('draws no frames of two shots together', () => {
    const plan = createPlan(accept({ frames: 14, frameBatch: 3, cuts: [3] }));
    const tasks = tasksOfStage(plan, 'generate').map((ref) => plan.task(ref));
    expect(tasks.map(({ frames }) => [frames[0], frames.length])).toEqual([
      [0, 3],
      [3, 8],
      [6, 8],
    ]);
  });

  it('draws by DDIM where the models say another sampler', () => {
    const { defaults } = models;
    const job = accept({}, { ...models, defaults: { ...defaults, sampler: 'pndm' } });
    expect(job).toMatchObject({ sampler: 'ddim' });
  });

  it('is another job than the same without it, of the plain ControlNet', () => {
    expect(accept({ method: 'bivdiff' })).toEqual(accept({ method: undefined }));
    expect(accept({ method: 'bivdiff' })).toMatchObject({
      models: { controlUnet: { name: 'image/unet+canny' } },
    });
  });
});

describe('what contradicts it', () => {
  const bridges = (field: string): string =>
    `${field}: method controlvideo bridges nothing: its frames are the clip; leave one of the two out`;
  const alone = 'method controlvideo draws frames together, and one has none beside it';
  const whole =
    'method controlvideo smooths between steps, each of which is run whole; leave one of the two out';
  const weight =
    'method controlvideo draws frames together, so a control has one weight for all of them';

  it.each<[object, readonly string[]]>([
    [{ frames: 1 }, [`frames: ${alone}`]],
    [{ window: 1 }, [`window: ${alone}`]],
    [
      { scheduler: 'pndm' },
      [
        'scheduler: method controlvideo smooths between steps of ddim, so pndm cannot draw; leave one of the two out',
      ],
    ],
    [
      { sharedNoise: 0.5 },
      [
        'sharedNoise: method controlvideo draws all frames from one noise, which is 1; leave one of the two out',
      ],
    ],
    [{ fast: true, cacheInterval: 3 }, [`fast: ${whole}`, `cacheInterval: ${whole}`]],
    [{ fast: false, cacheInterval: 1 }, []],
    [{ mixingRatio: 0.5, bridging: { strategy: 'mixed' } }, [bridges('mixingRatio')]],
    [
      { bridging: { strategy: 'none', strength: 0.5 } },
      [bridges('bridging.strategy'), bridges('bridging.strength')],
    ],
    [{ inversion: { mode: 'official' } }, [bridges('inversion.mode')]],
    [{ control: { scale: '0.2..1' } }, [`control.scale: ${weight}`]],
    [{ controls: [{ type: 'canny', scale: '0..1' }] }, [`controls.0.scale: ${weight}`]],
    [{ scheduler: 'ddim', sharedNoise: 1, control: { start: 0.2, scale: 0.5 } }, []],
  ])('is told: %j', (settings, problems) => {
    expect(problemsOf(settings)).toEqual(problems);
  });

  it('is a model set without its graph, or without one for the control', () => {
    const none = madeUpModels(madeUpGenerator());
    expect(problemsOf({}, none)).toEqual([
      'control.type: the models in /models/x have no ControlVideo graph for canny (they have: none)',
    ]);
    expect(problemsOf({ control: { type: 'depth' } })).toEqual([
      'control.type: the models in /models/x have no ControlVideo graph for depth (they have: together)',
    ]);
  });

  it('is another task', () => {
    expect(() => accept({ task: 'frames' })).toThrow(/method: is for task controlnet/);
  });
});
