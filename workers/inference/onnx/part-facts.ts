// What the graphs of a model set say of themselves: the memory that they take, and what can be made of them. Reads the structure of each once, when it is
// first asked for, and no weights.

import type { GraphForm } from '../../../common/models/graph-form.ts';
import { partsOf } from '../../../common/models/model-folder.ts';
import type { ModelSet } from '../../../common/models/model-set.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import type { PartFacts, PartLookup } from '../../../common/models/part-facts.ts';
import type { Digest } from '../../../common/task.ts';
import { cutWeightBytes } from './cut-graph.ts';

/** A render is looked at several times before it runs. */
const known = new WeakMap<ModelSet, PartLookup>();

/** Throws failed-precondition of a graph whose file is absent or damaged. */
export function partFactsOf(models: ModelSet): PartLookup {
  const lookup = known.get(models) ?? readEachOnce(models);
  known.set(models, lookup);
  return lookup;
}

function readEachOnce(models: ModelSet): PartLookup {
  const parts = new Map(partsOf(models).map((part) => [part.digest, part]));
  const read = new Map<Digest, PartFacts>();
  return (digest) => {
    const before = read.get(digest);
    const { name, config, graph } = parts.get(digest) ?? {};
    if (before !== undefined || graph === undefined) return before;
    const { weightBytes } = readOnnxFile(graph);
    const made = new Map<GraphForm, number | undefined>();
    const formBytes = (form: GraphForm): number | undefined => {
      if (!made.has(form)) made.set(form, cutWeightBytes(graph, form));
      return made.get(form);
    };
    const facts = { name: name!, config: config!, weightBytes, formBytes };
    read.set(digest, facts);
    return facts;
  };
}
