import { describe, expect, it } from 'vitest';

import { makespan } from '../../../../coordinator/domain/makespan.ts';
import { createPlan } from '../../../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../../../coordinator/domain/task-graph.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const graph = createTaskGraph(createPlan(acceptedJob({ frames: 16, frameBatch: 4, window: 8 })));
const all = Array.from({ length: graph.size }, (_, task) => task);
const ofStage = (stage: string) => all.filter((task) => graph.stage(task) === stage);
const options = { slots: 1, secondsOf: () => 1, firstSecondsOf: () => 0 };

describe('the time that tasks take', () => {
  it('is their sum on one slot', () => {
    expect(makespan(graph, all, options)).toBe(graph.size);
  });

  it('is the longest chain where slots abound', () => {
    // ingest, annotate, generate, encode, one of the inversions, mix, smooth, decode, measure or the next, assemble
    const [ingest, assemble] = [ofStage('ingest')[0]!, ofStage('assemble')[0]!];
    const depth = (task: number): number =>
      1 + Math.max(0, ...[...graph.dependencies(task)].map(depth));
    expect(depth(ingest)).toBe(1);
    const longest = Math.max(...all.map(depth));
    expect(depth(assemble)).toBe(longest);
    expect(makespan(graph, all, { ...options, slots: 64 })).toBe(longest);
  });

  it('has whole tasks: three on two slots take two turns', () => {
    const three = ofStage('ingest').slice(0, 3);
    expect(makespan(graph, three, { ...options, slots: 2 })).toBe(2);
  });

  it('begins in each slot that a stage comes to with what loading takes', () => {
    const loading = { ...options, firstSecondsOf: () => 5 };
    expect(makespan(graph, ofStage('ingest'), loading)).toBe(5 + 4);
    expect(makespan(graph, ofStage('ingest'), { ...loading, slots: 2 })).toBe(5 + 2);
  });

  it('is none where nothing is left to run, and waits for nothing that is there', () => {
    expect(makespan(graph, [], options)).toBe(0);
    expect(makespan(graph, ofStage('assemble'), options)).toBe(ofStage('assemble').length);
  });
});
