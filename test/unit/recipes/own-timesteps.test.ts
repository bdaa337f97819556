// Goal: timesteps of a list reach the tasks that draw, and no others; what cannot be drawn at is told before any work.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../common/digest.ts';
import { BivdiffError } from '../../../common/errors.ts';
import { acceptSpec } from '../../../coordinator/domain/accept.ts';
import { createPlan } from '../../../coordinator/domain/plan.ts';
import type { AcceptedJob } from '../../../recipes/job.ts';
import { parseRenderSpec } from '../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels } from '../../support/made-up-models.ts';

const AYS = [999, 850, 736, 645, 545, 455, 343, 233, 124, 24];

function accept(settings: object): AcceptedJob {
  const whole = {
    ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', input: { path: 'c.mp4' }, prompt: 'p' },
    ...{ scheduler: 'euler', steps: 7, mixingRatio: 0.5 },
  };
  return acceptSpec({
    spec: parseRenderSpec({ ...whole, ...settings }, 'the test'),
    models: madeUpModels(
      madeUpGenerator(),
      madeUpGenerator({ name: 'together', method: 'controlvideo' }),
    ),
    source: {
      ...{ kind: 'video', digest: digestText('c'), path: 'c.mp4', frames: 120 },
      ...{ alpha: false, width: 128, height: 128 },
    },
    numerics: { inference: 'i', media: 'm', plain: 'p' },
  });
}

function problemsOf(settings: object): unknown {
  try {
    accept(settings);
  } catch (reason) {
    return BivdiffError.from(reason).details['problems'];
  }
  return [];
}

describe('timesteps of a list', () => {
  it.each<[string, unknown, readonly number[]]>([
    ['numbers', [999, 500, 0], [999, 500, 0]],
    ['text', '999,500,0', [999, 500, 0]],
    ['one', '700', [700]],
    ['Align Your Steps', 'ays-sd', AYS],
  ])('are what frames are drawn at: %s', (_, timesteps, expected) => {
    const plan = createPlan(accept({ timesteps }));
    const drawn = plan.task({ node: 'generate', index: 0 }).params;
    expect(drawn).toMatchObject({ timesteps: expected, steps: expected.length, sampler: 'euler' });
  });

  it('are of no concern to inversions and smoothing', () => {
    const [listed, plain] = [{ timesteps: 'ays-sd' }, {}].map((one) => createPlan(accept(one)));
    for (const node of ['ingest', 'annotate', 'encode', 'invert-image', 'invert-video', 'smooth']) {
      const [first, second] = [listed, plain].map((plan) => plan!.task({ node, index: 0 }).params);
      expect(first).toEqual(second);
    }
    expect(plain!.task({ node: 'generate', index: 0 }).params).not.toHaveProperty('timesteps');
  });

  it.each([
    ['999,999', /^timesteps: expected timesteps that descend, .* ays-sd or ays-sdxl/],
    ['1,2', /^timesteps: expected timesteps that descend/],
    ['ays', /^timesteps: expected timesteps that descend/],
    ['999,', /^timesteps: expected timesteps that descend/],
    [[3, 2.5], /^timesteps\.1: /],
    [[], /^timesteps: /],
    [
      [1000, 2],
      /^timesteps: sampler euler cannot run with .*: timestep 1000 is none of the training, 0 to 999; /,
    ],
  ])('are refused in one line, where nothing can be drawn at them: %j', (timesteps, words) => {
    const problems = problemsOf({ timesteps }) as string[];
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(words);
  });

  it.each(['ddim', 'pndm', 'euler-ancestral', 'unipc', 'deis'])(
    'are nothing for %s, and it is said what takes them',
    (scheduler) => {
      expect(problemsOf({ timesteps: 'ays-sd', scheduler })).toEqual([
        expect.stringMatching(
          new RegExp(
            `^timesteps: sampler ${scheduler} .*takes no timesteps of a list; choose euler, heun, dpm-solver\\+\\+ or lcm, which can`,
          ),
        ),
      ]);
    },
  );

  it('contradict frames that are drawn together', () => {
    expect(
      problemsOf({
        timesteps: '9,8',
        method: 'controlvideo',
        scheduler: 'ddim',
        mixingRatio: undefined,
      }),
    ).toEqual([
      expect.stringMatching(/^timesteps: method controlvideo .* leave one of the two out/),
    ]);
  });

  it('are none for an edit, which begins where the inversion ended', () => {
    const edit = { task: 'prompt-to-prompt', timesteps: '9,8', edit: { sourcePrompt: 'q' } };
    expect(problemsOf(edit)).toEqual([expect.stringMatching(/^timesteps: is for task controlnet/)]);
  });
});
