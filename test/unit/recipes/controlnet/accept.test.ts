// Goal: what users say of controls becomes the job and the tasks that they mean, and specs from before there were several keep their ids.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { GenerateParams } from '../../../../common/stages.ts';
import { jobIdOf } from '../../../../coordinator/domain/accept.ts';
import { createPlan, tasksOfNode } from '../../../../coordinator/domain/plan.ts';
import type { Plan } from '../../../../coordinator/domain/plan.ts';
import { modelsOfJob } from '../../../../recipes/job.ts';
import { madeUpGenerator, madeUpModels } from '../../../support/made-up-models.ts';
import {
  accept,
  ANNOTATORS,
  CANNY,
  CONTROLLED_MODELS,
  controlnet,
  SKELETON,
} from './controlled-jobs.ts';

function problemsOf(settings: object, set = CONTROLLED_MODELS): unknown {
  try {
    accept(settings, set);
  } catch (reason) {
    return BivdiffError.from(reason).details['problems'];
  }
  return [];
}

const paramsOf = (plan: Plan, node: string, index = 0): GenerateParams =>
  plan.task({ node, index }).params as GenerateParams;

describe('one control that counts alike in all frames and steps', () => {
  /** Of the version before there were others: job, and all ids of its tasks under their nodes' names. */
  it.each([
    [
      {},
      'a884a9f53fa1296f4942b1d9e29cba24ca89dc646ef169c7ec2f134dab43aebc',
      '48ea065aa4b4276a3927940d905e836e1747f368613454de843da9f46814a5ad',
    ],
    [
      { control: { type: 'canny', scale: 1, start: 0, end: 1 } },
      'a884a9f53fa1296f4942b1d9e29cba24ca89dc646ef169c7ec2f134dab43aebc',
      '48ea065aa4b4276a3927940d905e836e1747f368613454de843da9f46814a5ad',
    ],
    [
      { controls: [{ type: 'canny', scale: '1..1' }] },
      'a884a9f53fa1296f4942b1d9e29cba24ca89dc646ef169c7ec2f134dab43aebc',
      '48ea065aa4b4276a3927940d905e836e1747f368613454de843da9f46814a5ad',
    ],
    [
      { control: { scale: 0.5, low: 20 } },
      '7c9f9b03cd7b6c38fe9d2f2162cbd9127d8122d235d585da1e6bd1b0a4cb4f5c',
      '050c07257b2153fe338ba0fc835581837413fae0def26ab7ca014f5dc97e992a',
    ],
  ])('has the ids that it always had: %j', (settings, jobId, taskIds) => {
    const job = accept(settings, madeUpModels(madeUpGenerator()));
    const plan = createPlan(job);
    const ids = plan.nodes.flatMap((node) =>
      tasksOfNode(node).map((ref) => ref.node + plan.id(ref)),
    );
    expect(jobIdOf(job)).toBe(jobId);
    expect(digestText(ids.join())).toBe(taskIds);
  });

  it('may be what a model sees', () => {
    const job = accept({ control: { type: 'depth' } });
    const plan = createPlan(job);
    expect(plan.nodes.map(({ name }) => name).slice(0, 3)).toEqual([
      'ingest',
      'estimate',
      'generate',
    ]);
    const task = plan.task({ node: 'estimate', index: 0 });
    expect(task).toMatchObject({ params: { kind: 'depth' }, numericsClass: 'i' });
    expect(task.models).toEqual({ annotator: ANNOTATORS['depth']!.model.digest });
    expect(modelsOfJob(job)).toContainEqual({
      name: 'image/annotator+depth',
      digest: ANNOTATORS['depth']!.model.digest,
    });
    expect(paramsOf(plan, 'generate')).toMatchObject({ conditioningScale: 1 });
  });

  it('of joints is told how they are drawn', () => {
    const plan = createPlan(accept({ control: { type: 'pose' } }));
    expect(paramsOf(plan, 'estimate')).toEqual({
      kind: 'pose',
      skeleton: SKELETON,
      threshold: 0.3,
    });
  });
});

describe('several controls', () => {
  const asked = { type: 'canny,depth', scale: '1,0.5', start: '0,0.2', end: '0.6,1' };

  it('have pictures, a weight and a panel each', () => {
    const plan = createPlan(accept({ control: asked }));
    expect(plan.nodes.map(({ name }) => name).slice(0, 4)).toEqual([
      ...['ingest', 'annotate', 'estimate-2', 'generate'],
    ]);
    expect(paramsOf(plan, 'generate')).toMatchObject({
      controls: [
        { scale: 1, end: 0.6 },
        { scale: 0.5, start: 0.2 },
      ],
    });
    expect(Object.keys(plan.task({ node: 'generate', index: 0 }).inputs)).toEqual([
      'control',
      'control2',
    ]);
    expect(Object.keys(plan.task({ node: 'assemble', index: 1 }).inputs)).toEqual([
      ...['control', 'control2', 'generated', 'smoothed'],
    ]);
    expect(Object.keys(plan.task({ node: 'measure', index: 0 }).inputs)).toContain('control');
  });

  it('are the same job in full, and in another order', () => {
    const [first, second] = [
      { type: 'canny', end: 0.6 },
      { type: 'depth', scale: 0.5, start: 0.2 },
    ];
    const job = accept({ control: asked });
    expect(accept({ controls: [first, second] })).toEqual(job);
    expect(accept({ controls: [second, first] })).toEqual(job);
    expect(accept({ control: { ...asked, type: 'canny+depth' } })).toEqual(job);
  });

  it('take one value for all', () => {
    const plan = createPlan(accept({ control: { type: 'canny,depth', scale: 0.7, end: 0.5 } }));
    const both = { scale: 0.7, end: 0.5 };
    expect(paramsOf(plan, 'generate')['controls']).toEqual([both, both]);
  });
});

describe('a weight over frames', () => {
  const plan = createPlan(
    accept({ frames: 8, controls: [{ type: 'canny', scale: '0.2@0..0.8@3' }] }),
  );

  it('is told for each frame of a task, and as one number where it stays', () => {
    expect(paramsOf(plan, 'generate', 0)['controls']).toEqual([{ scale: [0.2, 0.4, 0.6, 0.8] }]);
    expect(paramsOf(plan, 'generate', 1)['controls']).toEqual([{ scale: 0.8 }]);
  });

  it('changes no task but those that draw with it', () => {
    const other = createPlan(accept({ frames: 8, control: { scale: '0.2..1' } }));
    expect(other.id({ node: 'annotate', index: 1 })).toBe(plan.id({ node: 'annotate', index: 1 }));
    expect(other.id({ node: 'generate', index: 1 })).not.toBe(
      plan.id({ node: 'generate', index: 1 }),
    );
  });
});

describe('a weight that the card says', () => {
  type Scale = number | string | undefined;
  const suited = (canny: Scale, depth: Scale) => ({
    ...madeUpModels(
      controlnet('canny+depth', { ...CANNY, scale: canny }, { annotator: 'depth', scale: depth }),
    ),
    annotators: ANNOTATORS,
  });
  const control = { type: 'canny,depth' };

  it('is that of its control, and 1 where it says none', () => {
    const drawnWith = (...scales: readonly [Scale, Scale]) =>
      paramsOf(createPlan(accept({ control }, suited(...scales))), 'generate')['controls'];
    expect(drawnWith(1.5, 0.5)).toEqual([{ scale: 1.5 }, { scale: 0.5 }]);
    expect(drawnWith(undefined, 0.5)).toEqual([{ scale: 1 }, { scale: 0.5 }]);
  });

  it("gives way to the user's", () => {
    const job = accept({ control: { ...control, scale: '0.7,1' } }, suited(1.5, 0.5));
    expect(paramsOf(createPlan(job), 'generate')['controls']).toEqual([
      { scale: 0.7 },
      { scale: 1 },
    ]);
    const full = [{ type: 'canny' }, { type: 'depth', scale: 2 }];
    expect(
      paramsOf(createPlan(accept({ controls: full }, suited(1.5, 0.5))), 'generate')['controls'],
    ).toEqual([{ scale: 1.5 }, { scale: 2 }]);
  });

  it('is refused out of its range', () => {
    const [problem, ...others] = problemsOf({ control }, suited(2.5, 'much')) as string[];
    expect(others).toEqual([]);
    expect(problem).toContain('generators.canny+depth.conditions: 0 scale');
    expect(problem).toContain('; 1 scale');
  });
});

describe('task t2i-adapter', () => {
  it('draws with the adapter for the control', () => {
    const job = accept({ task: 't2i-adapter', control: { type: 'depth', scale: 0.9 } });
    expect(job.models).toMatchObject({ controlUnet: { name: 'image/unet+t2i-depth' } });
    expect(paramsOf(createPlan(job), 'generate')).toMatchObject({
      ...{ task: 't2i-adapter', conditioningScale: 0.9 },
    });
  });

  it('needs one', () => {
    expect(problemsOf({ task: 't2i-adapter' })).toEqual([
      'control.type: the models in /models/x have no T2I-Adapter for canny (they have: t2i-depth)',
    ]);
  });
});

describe('what is asked of controls is refused', () => {
  it.each<[object, readonly string[]]>([
    [
      { control: { type: 'scribble' } },
      [
        'control.type: the models in /models/x have no ControlNet for scribble (they have: canny, depth, pose, canny+depth, blind)',
      ],
    ],
    [
      { control: { type: 'depth,pose' } },
      [
        'control.type: the models in /models/x have no ControlNet for depth and pose (they have: canny, depth, pose, canny+depth, blind)',
      ],
    ],
    [
      { control: { type: 'blind' } },
      [
        'models: card.json in /models/x, generators.blind.conditions: card.json names no annotator normals',
      ],
    ],
    [{ control: { type: 'canny,' } }, ['control.type: a control is missing in "canny,"']],
    [{ control: { type: 'a,b,c,d,e' } }, ['control.type: 5 controls are more than 4']],
    [
      { control: { type: 'canny,depth', scale: '1,0.5,0.2', end: '1,1,1' } },
      ['control.scale: 3 values for 2 controls', 'control.end: 3 values for 2 controls'],
    ],
    [{ control: { scale: '1,0.5' } }, ['control.scale: 2 values for 1 control']],
    [
      { control: { scale: '1@0..0@9' } },
      ['control.scale: there is no frame 9; the last of 8 is 7'],
    ],
    [
      { control: { start: 0.5, end: 0.5 } },
      ['control.end: 0.5 does not come after the start, 0.5'],
    ],
    [
      { controls: [{ type: 'canny' }, { type: 'depth', start: 1 }] },
      ['controls.1.end: 1 does not come after the start, 1'],
    ],
    [
      { control: { type: 'canny' }, controls: [{ type: 'depth' }] },
      ['controls: control says which controls there are too; leave one of the two out'],
    ],
    [
      { control: { type: 'depth', low: 20 } },
      ['control.low: is a threshold of canny, which is no control here'],
    ],
    [
      { controls: [{ type: 'depth', high: 20 }] },
      ['controls.0.high: is a threshold of canny, which is no control here'],
    ],
  ])('%j', (settings, problems) => {
    expect(problemsOf(settings)).toEqual(problems);
  });

  it('where several generators are for it, and none has its name', () => {
    const set = madeUpModels(controlnet('soft', CANNY), controlnet('hard', CANNY));
    expect(problemsOf({ control: { type: 'canny' } }, set)).toEqual([
      'control.type: the models in /models/x have several ControlNets for canny; name one of soft, hard',
    ]);
    expect(problemsOf({ control: { type: 'soft' } }, set)).toEqual([]);
  });

  it.each([
    [{ control: { scale: 3 } }, /control\.scale: too big: expected at most 2, got 3/],
    [{ control: { scale: '0.5,x' } }, /control\.scale: expected a weight \(0 to 2\).*got "x"/],
    [{ control: { start: '0.5,2' } }, /control\.start: expected a share of the steps.*got "2"/],
    [{ control: { end: -1 } }, /control\.end: too small: expected at least 0, got -1/],
    [{ controls: [] }, /controls: /],
    [{ controls: [{ type: 'canny', scale: '1,1' }] }, /controls\.0\.scale: expected a weight/],
    [{ controls: [{ type: 'canny', scale: [] }] }, /controls\.0\.scale: too small/],
    [{ controls: [{}] }, /controls\.0\.type: /],
  ])('by the schema: %j', (settings, sentence) => {
    expect(() => accept(settings)).toThrow(sentence);
  });
});
