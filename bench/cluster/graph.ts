// The graphs that the cluster bench runs: made by hand, so that the same ones can be put on other systems.

import { canonicalJson } from '../../common/canonical-json.ts';
import { digestText } from '../../common/digest.ts';
import type { Stage, Task, TaskId } from '../../common/task.ts';
import type { Plan, TaskRef } from '../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../coordinator/domain/task-graph.ts';
import type { TaskGraph } from '../../coordinator/domain/task-graph.ts';
import { benchJob } from '../bench-job.ts';

/** Sleeping has no bits. */
export const BENCH_CLASS = 'bench';

export interface StageShape {
  readonly stage: Stage;
  readonly count: number;
  /** How long a worker sleeps over each task. */
  readonly sleepMs: number;
  /** The tasks that task `index` reads. @default none */
  readonly reads?: (index: number) => readonly TaskRef[];
  /** What tasks are ordered by, as a plan's last frame. @default the index */
  readonly frame?: (index: number) => number;
}

/** `name` makes the ids this run's own, so that nothing is found in the store. */
export function benchGraph(name: string, shapes: readonly StageShape[]): TaskGraph {
  const byName = new Map<string, StageShape>(shapes.map((shape) => [shape.stage, shape]));
  const shapeOf = (node: string): StageShape => byName.get(node)!;
  const ids = new Map<string, TaskId>();
  const id = ({ node, index }: TaskRef): TaskId => {
    const key = `${node}/${index}`;
    let known = ids.get(key);
    if (known === undefined) ids.set(key, (known = idOf(canonicalJson({ name, key }))));
    return known;
  };
  const plan: Plan = {
    job: benchJob(1),
    nodes: shapes.map(({ stage, count }) => ({ name: stage, stage, count })),
    id,
    task: (ref): Task => ({
      id: id(ref),
      stage: shapeOf(ref.node).stage,
      stageRevision: 1,
      params: { sleepMs: shapeOf(ref.node).sleepMs },
      models: {},
      inputs: {},
      sources: {},
      frames: [ref.index],
      numericsClass: BENCH_CLASS,
    }),
    dependencies: ({ node, index }) => shapeOf(node).reads?.(index) ?? [],
    framesRun: () => 1,
    frameCount: () => 1,
    lastFrame: ({ node, index }) => shapeOf(node).frame?.(index) ?? index,
  };
  return createTaskGraph(plan);
}

/** `count` tasks that do nothing and need nothing. */
export function noopGraph(name: string, count: number): TaskGraph {
  return benchGraph(name, [{ stage: 'generate', count, sleepMs: 0 }]);
}

/** `count` tasks that do nothing, each after the one before. */
export function chainGraph(name: string, count: number): TaskGraph {
  const reads = (index: number): readonly TaskRef[] =>
    index === 0 ? [] : [{ node: 'generate', index: index - 1 }];
  return benchGraph(name, [{ stage: 'generate', count, sleepMs: 0, reads }]);
}

export interface StagedShape {
  readonly chunks: number;
  readonly framesPerChunk: number;
  readonly frameMs: number;
  readonly mixMs: number;
  readonly smoothMs: number;
}

/** Frames on idm, then a mixer and a vdm task for each chunk of them. */
export function stagedGraph(name: string, shape: StagedShape): TaskGraph {
  const { chunks, framesPerChunk, frameMs, mixMs, smoothMs } = shape;
  const last = (chunk: number): number => (chunk + 1) * framesPerChunk - 1;
  const framesOf = (chunk: number): TaskRef[] =>
    Array.from({ length: framesPerChunk }, (_, i) => ({
      node: 'generate',
      index: chunk * framesPerChunk + i,
    }));
  return benchGraph(name, [
    { stage: 'generate', count: chunks * framesPerChunk, sleepMs: frameMs },
    { stage: 'invert-image', count: chunks, sleepMs: mixMs, reads: framesOf, frame: last },
    {
      stage: 'smooth',
      count: chunks,
      sleepMs: smoothMs,
      reads: (index) => [{ node: 'invert-image', index }],
      frame: last,
    },
  ]);
}

/** The 240 frames alone. */
export function framesGraph(name: string, count: number, frameMs: number): TaskGraph {
  return benchGraph(name, [{ stage: 'generate', count, sleepMs: frameMs }]);
}

function idOf(text: string): TaskId {
  return digestText(text) as string as TaskId;
}
