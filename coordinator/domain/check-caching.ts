// Whether the graphs whose deep features shall be used again can be cut for that: told before anything is drawn. Pure.

import type { ModelPart } from '../../common/models/model-set.ts';
import type { PartLookup } from '../../common/models/part-facts.ts';
import { restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { speedOf } from './speed.ts';

/** `unets`: those that a cache interval is for. Adds a problem that names those that cannot be cut. */
export function checkCaching(
  spec: Pick<RenderSpec, 'fast' | 'guidanceEnd' | 'cacheInterval'>,
  { unets, partOf }: { readonly unets: readonly ModelPart[]; readonly partOf: PartLookup },
  problems: ProblemSink,
): void {
  if (speedOf(spec).cacheInterval === undefined) return;
  const uncut = unets.filter(({ digest }) => {
    const facts = partOf(digest);
    return facts !== undefined && facts.formBytes('shallow') === undefined;
  });
  if (uncut.length === 0) return;
  const named = uncut.map(({ name, graph }) => `${name} (${graph})`).join(' and ');
  const [field, remedy] =
    spec.cacheInterval === undefined
      ? ['fast', 'leave it out, or say a cache interval of 1 beside it']
      : ['cacheInterval', 'say 1'];
  restingOn(problems, 'fast', 'cacheInterval').push(
    `${field}: features of ${named} cannot be used again, since no layer joins the first skip connection alone; ${remedy}`,
  );
}
