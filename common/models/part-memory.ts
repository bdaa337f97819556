// What the parts of a model set say of the memory that they take. Reads the structure of graphs, each once, and no weights.

import type { Digest, JsonObject } from '../task.ts';
import { partsOf } from './model-folder.ts';
import type { ModelSet } from './model-set.ts';
import { readOnnxFile } from './onnx-file.ts';

export interface PartMemory {
  readonly name: string;
  readonly config: JsonObject;
  /** As loaded. */
  readonly weightBytes: number;
}

/** Of a part of the set that is a graph. @throws failed-precondition — its file is absent or damaged */
export function partMemoryOf(models: ModelSet): (part: Digest) => PartMemory | undefined {
  const parts = new Map(partsOf(models).map((part) => [part.digest, part]));
  const known = new Map<Digest, PartMemory>();
  return (digest) => {
    const before = known.get(digest);
    const { name, config, graph } = parts.get(digest) ?? {};
    if (before !== undefined || graph === undefined) return before;
    const { weightBytes } = readOnnxFile(graph);
    const memory = { name: name!, config: config!, weightBytes };
    known.set(digest, memory);
    return memory;
  };
}
