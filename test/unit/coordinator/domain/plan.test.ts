import { canonicalJson } from '../../../../common/canonical-json.ts';
import { digestText } from '../../../../common/digest.ts';
import { describe, expect, it } from 'vitest';

import type { Stage } from '../../../../common/task.ts';
import {
  countOfStage,
  createPlan,
  stagesOf,
  tasksOfNode,
  tasksOfStage,
} from '../../../../coordinator/domain/plan.ts';
import type { Plan } from '../../../../coordinator/domain/plan.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const idsOf = (plan: Plan, stage: Stage): string[] =>
  tasksOfStage(plan, stage).map((ref) => plan.id(ref));

/** Stages whose tasks are not the same in both plans. */
function changedStages(a: Plan, b: Plan): Stage[] {
  return stagesOf(a).filter((stage) => idsOf(a, stage).join() !== idsOf(b, stage).join());
}

describe('createPlan', () => {
  it('plans every stage for a mixing ratio between the ends', () => {
    const plan = createPlan(acceptedJob());
    expect(Object.fromEntries(plan.nodes.map(({ name, count }) => [name, count]))).toEqual({
      ingest: 2,
      annotate: 2,
      generate: 2,
      encode: 2,
      'invert-image': 1,
      'invert-video': 1,
      mix: 1,
      smooth: 1,
      decode: 2,
      measure: 2,
      assemble: 1,
    });
  });

  it('plans no video inversion at mixing ratio 1 and no image inversion at 0', () => {
    const one = createPlan(acceptedJob({ mixingRatio: 1 }));
    const zero = createPlan(acceptedJob({ mixingRatio: 0 }));
    expect([
      countOfStage(one, 'invert-video'),
      countOfStage(one, 'mix'),
      countOfStage(one, 'invert-image'),
    ]).toEqual([0, 0, 1]);
    expect([
      countOfStage(zero, 'invert-image'),
      countOfStage(zero, 'mix'),
      countOfStage(zero, 'invert-video'),
    ]).toEqual([0, 0, 1]);
  });

  it('shares all but mixing and what follows between two mixing ratios', () => {
    const a = createPlan(acceptedJob({ mixingRatio: 0.25 }));
    const b = createPlan(acceptedJob({ mixingRatio: 0.75 }));
    expect(changedStages(a, b)).toEqual(['mix', 'smooth', 'decode', 'measure', 'assemble']);
  });

  it('redoes only smoothing and what follows for another video prompt', () => {
    const a = createPlan(acceptedJob());
    const b = createPlan(acceptedJob({ videoPrompt: 'a blue circle' }));
    expect(changedStages(a, b)).toEqual(['smooth', 'decode', 'measure', 'assemble']);
  });

  it('redoes only assembly for another output format', () => {
    const a = createPlan(acceptedJob());
    const b = createPlan(
      acceptedJob({ outputs: [{ layout: 'clip', format: 'webm', framesPerSecond: 8 }] }),
    );
    expect(changedStages(a, b)).toEqual(['assemble']);
  });

  it('shares the first frames with a longer render', () => {
    const eight = createPlan(acceptedJob());
    const sixteen = createPlan(acceptedJob({ frames: 16 }));
    for (const stage of ['ingest', 'annotate', 'generate', 'encode', 'smooth', 'decode'] as const) {
      expect(idsOf(sixteen, stage).slice(0, countOfStage(eight, stage))).toEqual(
        idsOf(eight, stage),
      );
    }
  });

  it('changes every frame-wise id with the numerics class', () => {
    const a = createPlan(acceptedJob());
    const b = createPlan(
      acceptedJob({ numerics: { inference: 'gpu', media: 'media-test', plain: 'plain' } }),
    );
    expect(changedStages(a, b)).not.toContain('annotate');
    expect(changedStages(a, b)).toContain('generate');
  });

  it('reads for a window exactly its frames from the batches', () => {
    const plan = createPlan(acceptedJob({ frames: 12 }));
    const second = plan.task({ node: 'invert-video', index: 1 });
    expect(second.inputs['latents']?.map(({ offset, count }) => [offset, count])).toEqual([
      [0, 4],
      [0, 4],
    ]);
    expect(second.frames).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('decodes frames of an overlap from the earlier window', () => {
    const plan = createPlan(acceptedJob({ frames: 12 }));
    const last = plan.task({ node: 'decode', index: 2 });
    expect(last.inputs['latents']).toEqual([
      { task: plan.id({ node: 'smooth', index: 1 }), output: 'latents', offset: 4, count: 4 },
    ]);
  });

  it('measures each batch with the frame before it', () => {
    const plan = createPlan(acceptedJob());
    const parts = plan.task({ node: 'measure', index: 1 }).inputs['smoothed'];
    expect(parts?.map(({ offset, count }) => [offset, count])).toEqual([
      [3, 1],
      [0, 4],
    ]);
  });

  it('lists as dependencies just the tasks that the inputs name', () => {
    const plan = createPlan(acceptedJob({ frames: 21, frameBatch: 5, window: 8 }));
    for (const task of plan.nodes.flatMap(tasksOfNode)) {
      const named = new Set(
        Object.values(plan.task(task).inputs).flatMap((parts) =>
          parts.map((part) => part.task as string),
        ),
      );
      const listed = plan.dependencies(task).map((ref) => plan.id(ref) as string);
      expect(new Set(listed)).toEqual(named);
    }
  });

  it('makes ids of long tasks as of short ones', () => {
    const plan = createPlan(acceptedJob({ frames: 10_100, frameBatch: 64, window: 1_024 }));
    const { id, ...identity } = plan.task({ node: 'assemble', index: 0 });
    expect(id).toBe(digestText(canonicalJson(identity)));
  });

  it('gives the ids that earlier versions gave', () => {
    // A change here makes every stored result of this planner unreachable: raise PLANNER_REVISION with it.
    const plan = createPlan(acceptedJob());
    expect(plan.id({ node: 'assemble', index: 0 }).slice(0, 16)).toMatchInlineSnapshot(
      `"ea5b8a1231f3c233"`,
    );
  });
});
