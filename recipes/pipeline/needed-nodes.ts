// Of the plan of a whole clip, what a part of its results needs: the same tasks, under other numbers. Pure.

import { framesRun } from './layout.ts';
import type { PlanNode } from './plan-node.ts';

/** Nodes without the tasks that nothing reads which some task of `isWanted` nodes needs; all tasks of those are kept. Nodes are each after those that they read. */
export function neededNodes(
  nodes: readonly PlanNode[],
  isWanted: (node: PlanNode) => boolean,
): readonly PlanNode[] {
  const needed = new Map<string, Set<number>>(nodes.map(({ name }) => [name, new Set()]));
  for (const node of nodes.toReversed()) {
    const own = needed.get(node.name)!;
    if (isWanted(node)) for (let index = 0; index < node.layout.count; index += 1) own.add(index);
    for (const { node: read, parts } of Object.values(node.inputs)) {
      for (const index of own) for (const part of parts(index)) needed.get(read)!.add(part.index);
    }
  }
  const kept = new Map(
    [...needed].map(([name, indices]) => [name, [...indices].sort((a, b) => a - b)]),
  );
  const numbers = new Map(
    [...kept].map(([name, indices]) => [name, new Map(indices.map((index, at) => [index, at]))]),
  );
  return nodes
    .filter(({ name }) => kept.get(name)!.length > 0)
    .map((node) => renumbered(node, kept.get(node.name)!, numbers));
}

type Numbers = ReadonlyMap<string, ReadonlyMap<number, number>>;

function renumbered(node: PlanNode, kept: readonly number[], numbers: Numbers): PlanNode {
  const { layout, params, inputs, sources } = node;
  const own = numbers.get(node.name)!;
  const read = Object.entries(inputs).map(([role, input]) => {
    const known = numbers.get(input.node)!;
    const parts = (at: number) =>
      input.parts(kept[at]!).map((part) => ({ ...part, index: known.get(part.index)! }));
    return [role, { ...input, parts }] as const;
  });
  return {
    ...node,
    layout: {
      count: kept.length,
      range: (at) => layout.range(kept[at]!),
      run: (at) => framesRun(layout, kept[at]!),
      owner: (frame) => own.get(layout.owner(frame))!,
      isUneven: true,
    },
    params: (at) => params(kept[at]!),
    sources: (at) => sources(kept[at]!),
    inputs: Object.fromEntries(read),
  };
}
