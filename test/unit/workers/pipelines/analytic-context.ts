// A StageContext over models that are formulas instead of graphs, for the logic of stages alone.

import type { JsonObject } from '../../../../common/task.ts';
import type {
  Checkpoint,
  Session,
  StageContext,
  ValueFacts,
} from '../../../../workers/inference/ports.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';

type Feeds = Readonly<Record<string, Tensor>>;

/** What a formula gives for its feeds, by output. */
export type Formula = (feeds: Feeds) => Readonly<Record<string, Tensor>>;

export interface AnalyticModel {
  readonly run: Formula;
  readonly inputs?: readonly ValueFacts[];
  readonly outputs?: readonly ValueFacts[];
}

export interface AnalyticContext extends StageContext {
  /** What was fed to each role, in order. */
  readonly feeds: { readonly role: string; readonly feeds: Feeds }[];
  readonly steps: (readonly [step: number, steps: number])[];
  /** What could be gone on from after each step. */
  readonly checkpoints: Checkpoint[];
}

export interface AnalyticOptions {
  readonly models?: Readonly<Record<string, AnalyticModel>>;
  readonly configs?: Readonly<Record<string, JsonObject>>;
  readonly resumed?: Checkpoint;
  /** Cancelled once as many steps have been told. */
  readonly cancelAfter?: number;
}

export function analyticContext(options: AnalyticOptions = {}): AnalyticContext {
  const { models = {}, configs = {}, cancelAfter = Infinity, resumed } = options;
  const feeds: AnalyticContext['feeds'] = [];
  const steps: AnalyticContext['steps'] = [];
  const checkpoints: Checkpoint[] = [];
  const memo = new Map<string, unknown>();
  return {
    feeds,
    steps,
    checkpoints,
    session: async (role) => Promise.resolve(sessionOf(role, models[role], feeds)),
    tokenizer: async () =>
      Promise.resolve({
        encode: codesOf,
        idsOf: (text) => Array.from(text, (one) => one.codePointAt(0)!),
      }),
    config: (role) => configs[role] ?? {},
    memo: async <T>(key: string, make: () => Promise<T>) => {
      if (!memo.has(key)) memo.set(key, await make());
      return memo.get(key) as T;
    },
    digest: (role) => `digest of ${role}`,
    hasRoomFor: () => false,
    throwIfCancelled: () => {
      if (steps.length >= cancelAfter)
        throw new BivdiffError('cancelled', 'the stage was cancelled');
    },
    progress: (step, all) => {
      steps.push([step, all]);
    },
    resumed,
    standsAt: (doneSteps, save) => {
      if (doneSteps > 0) checkpoints.push({ doneSteps, tensors: save() });
    },
  };
}

function sessionOf(
  role: string,
  model: AnalyticModel | undefined,
  log: AnalyticContext['feeds'],
): Session {
  if (model === undefined) throw new RangeError(`no model for ${role}`);
  return {
    name: role,
    inputs: model.inputs ?? [],
    outputs: model.outputs ?? [],
    run: async (feeds) => {
      log.push({ role, feeds });
      return Promise.resolve(model.run(feeds));
    },
  };
}

/** The text's character codes, and zeros. */
function codesOf(text: string): BigInt64Array {
  return BigInt64Array.from({ length: 77 }, (_, i) => BigInt(text.codePointAt(i) ?? 0));
}
