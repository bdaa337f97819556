// What graphs say of themselves to acceptance and to forecasts, as types. They are read by workers/inference/onnx/part-facts.ts.

import type { Digest, JsonObject } from '../task.ts';
import type { GraphForm } from './graph-form.ts';

export interface PartFacts {
  /** Of the part, for people. */
  readonly name: string;
  readonly config: JsonObject;
  /** As loaded. */
  readonly weightBytes: number;
  /** The same, of what is made of it; undefined where that cannot be made. */
  readonly formBytes: (form: GraphForm) => number | undefined;
}

/** Undefined of a part that is no graph, or is not at hand. */
export type PartLookup = (part: Digest) => PartFacts | undefined;
