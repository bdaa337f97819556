// The kinds of graph that stages ask for, as types: what a lane is told that a graph must look like. The kinds themselves, and the check, are
// graph-contract.ts's.

import type { JsonObject } from '../../common/task.ts';
import type { TensorType } from '../tensor/tensor.ts';

/** What a graph in some role must look like, given the config of its part. */
export interface GraphKind {
  readonly name: string;
  /** Whether its inputs' first axis is a batch, all of whose samples are computed alike. */
  readonly hasBatch: boolean;
  /** Whether the samples of its batch see each other all the same, so that it is run whole. @default each is computed alone */
  readonly seesWhole?: boolean;
  /** Whether it sees the frames of a clip along axis 2. */
  readonly isClip: boolean;
  /** The input that it convolves, and whether its maps are halved from there on, once between two blocks. Absent: it convolves nothing. */
  readonly convolves?: { readonly input: string; readonly isHalved: boolean };
  /** `graph`: what it has, where a contract leaves names to it. */
  readonly contract: (config: JsonObject, graph: GraphValues) => GraphContract;
}

/** Name, type and rank of a graph's input or output, as the session tells them. A symbolic dimension is its name. */
export interface ValueFacts {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly (number | string)[];
}

export interface GraphValues {
  readonly inputs: readonly ValueFacts[];
  readonly outputs: readonly ValueFacts[];
}

export interface ValueContract {
  readonly types: readonly TensorType[];
  /** Any of these; null stands for a size that may vary. */
  readonly shapes: readonly (readonly (number | null)[])[];
}

export interface GraphContract {
  /** These and no others. */
  readonly inputs: Readonly<Record<string, ValueContract>>;
  /** At least these. */
  readonly outputs: Readonly<Record<string, ValueContract>>;
}
