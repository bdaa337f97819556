// What a stage's body needs of the run time: sessions over model graphs, tokenizers, cancellation and progress.
// The only provider today is ONNX Runtime in a lane (a worker thread).

import type { GraphForm } from '../../common/models/graph-form.ts';
import type { JsonObject } from '../../common/task.ts';
import type { GraphKind, ValueFacts } from './graph-kind.ts';
import type { FloatTensor, Tensor } from '../tensor/tensor.ts';

export type { GraphForm, ValueFacts };

/** A loaded graph. */
export interface Session {
  /** The part's name, for errors. */
  readonly name: string;
  readonly inputs: readonly ValueFacts[];
  readonly outputs: readonly ValueFacts[];
  /**
   * Runs the graph once. Feeds are converted to the graph's own float type (float32 or float16) and back to float32.
   * @throws invalid-argument — a feed is missing, or its type or rank does not fit
   * @throws resource-exhausted — out of device memory
   * @throws internal — the output has NaN or infinity; names graph and output
   */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}

/** One that must be released in the end. */
export interface OwnedSession extends Session {
  /** Time inside the run of what computes, summed over all runs so far. */
  readonly busySeconds: number;
  /** Gives the memory back; idempotent. No run may follow. */
  release(): Promise<void>;
}

export interface Tokenizer {
  /** `[77]` token ids: begin, the text cut to fit, end, padding. */
  encode(text: string): BigInt64Array;
  /** Ids of the text alone: unframed, and none cut off. Words, split at spaces, have the ids that they have alone. */
  idsOf(text: string): readonly number[];
}

/** Where a task of many steps stands between two of them: all that the rest depends on, besides the task itself. */
export interface Checkpoint {
  /** From 1. */
  readonly doneSteps: number;
  readonly tensors: Readonly<Record<string, FloatTensor>>;
}

/** What a stage's body may use while it runs; made by the lane for one task. */
export interface StageContext {
  /** The loaded graph that plays this role in the task, or what is made of it; loads it if this lane has not. */
  session(role: string, form?: GraphForm): Promise<Session>;
  /** Whether that can be made of the graph in this role, and fits into memory beside it: where it only saves time. */
  hasRoomFor(role: string, form: GraphForm): boolean;
  tokenizer(role: string): Promise<Tokenizer>;
  config(role: string): JsonObject;
  /** Memo for pure results that many tasks of one lane share (text embeddings); bounded, dropped freely. `key` holds all that the value depends on, model digests included. */
  memo<T>(key: string, make: () => Promise<T>): Promise<T>;
  digest(role: string): string;
  /** Call between steps. @throws cancelled */
  throwIfCancelled(): void;
  progress(step: number, steps: number): void;
  /** Where an earlier run of the same task got to; the body goes on from there. */
  readonly resumed?: Checkpoint | undefined;
  /**
   * Where the body stands now: call it before the first step, and after each. `save` is called when a checkpoint is due, at once or
   * when the next step is stopped; what it gives must not change any more.
   */
  standsAt(doneSteps: number, save: () => Checkpoint['tensors']): void;
}

export interface StageInput<P> {
  readonly params: P;
  /** By role, frames joined along the first axis. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Indices, in the job, of the frames it makes. */
  readonly frames: readonly number[];
}

/** The pure function that is a stage. Outputs by name, frames along the first axis. */
export type StageBody<P> = (
  input: StageInput<P>,
  context: StageContext,
) => Promise<Readonly<Record<string, Tensor>>>;

/** A stage as a lane runs it. */
export interface LaneStage<P> {
  readonly body: StageBody<P>;
  /** What the graph in each role must look like. @default it has no graphs, or any will do */
  readonly graphs?: (params: P) => Readonly<Record<string, GraphKind>>;
}
