// Goal: each kind of control is measured by what made its pictures, in tasks that hold up nothing.

import { describe, expect, it } from 'vitest';

import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { TaskBoard } from '../../../../coordinator/run/task-board.ts';
import { accept, CANNY } from './controlled-jobs.ts';

describe('what frames were drawn along is measured', () => {
  const measureOf = (settings: object) =>
    createPlan(accept(settings)).task({ node: 'measure', index: 0 });

  it('by the model that saw it in the source, and by nothing where it was ready-made', () => {
    const depth = measureOf({ control: { type: 'depth' } });
    expect(depth.params).toEqual({ depth: true });
    expect(Object.keys(depth.inputs)).toEqual([
      ...['depth', 'generated-depth', 'smoothed-depth', 'generated', 'smoothed'],
    ]);
    const pose = measureOf({ control: { type: 'pose' } });
    expect(pose.params).toEqual({ joints: { threshold: 0.3 } });
    expect(Object.values(pose.inputs).map(([part]) => part?.output)).toEqual([
      ...['joints', 'joints', 'joints', 'frames', 'frames'],
    ]);
    const both = measureOf({ control: { type: 'canny,depth' } });
    expect(both.params).toEqual({ ...CANNY, depth: true });
    expect(measureOf({ control: { type: 'canny' } }).params).toEqual(CANNY);
  });

  it('after all that is measured, so that the job counts as begun when its frames are drawn', () => {
    const graph = createTaskGraph(createPlan(accept({ control: { type: 'canny,depth' } })));
    expect(graph.plan.nodes.map(({ name }) => name).slice(-4)).toEqual([
      ...['estimate-2-generated', 'estimate-2-smoothed', 'measure', 'assemble'],
    ]);
    const board = new TaskBoard(graph);
    board.require(Array.from({ length: graph.size }, (_, task) => task));
    const opening = ['ingest', 'annotate', 'estimate-2', 'generate'];
    const count = (names: readonly string[]): number =>
      graph.plan.nodes.reduce((sum, node) => sum + (names.includes(node.name) ? node.count : 0), 0);
    expect(board.openingLeft).toBe(count(opening));
  });
});
