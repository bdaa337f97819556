// A plan with two nodes of equal work.

import type { Plan } from '../../coordinator/domain/plan.ts';

/** The same plan with the source ingested once more, as a mask of the same frames would be, read by `annotate` beside the frames. */
export function withMask(plan: Plan): Plan {
  const [ingest, ...others] = plan.nodes;
  const source = ({ node, index }: { node: string; index: number }) => ({
    node: node === 'ingest-mask' ? 'ingest' : node,
    index,
  });
  return {
    ...plan,
    nodes: [ingest!, { ...ingest!, name: 'ingest-mask' }, ...others],
    id: (ref) => plan.id(source(ref)),
    task: (ref) => plan.task(source(ref)),
    dependencies: (ref) => [
      ...plan.dependencies(source(ref)),
      ...(ref.node === 'annotate' ? [{ node: 'ingest-mask', index: ref.index }] : []),
    ],
    frameCount: (ref) => plan.frameCount(source(ref)),
    framesRun: (ref) => plan.framesRun(source(ref)),
    lastFrame: (ref) => plan.lastFrame(source(ref)),
  };
}
