// A lane whose stages are made for tests: they run the tiny graphs, crash, and misbehave on purpose.

import { BivdiffError } from '../../../common/errors.ts';
import { LANE_STAGES } from '../../../recipes/lane-stages.ts';
import { IMAGE_UNET } from '../../../workers/inference/graph-contract.ts';
import { serveLane } from '../../../workers/inference/lanes/serve-lane.ts';
import type { StageBody } from '../../../workers/inference/ports.ts';
import { floatTensor } from '../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../workers/tensor/tensor.ts';

export interface SlowParams {
  readonly steps: number;
  /** About a microsecond each, on one core. */
  readonly roundsPerStep: number;
  /** Whether the body itself looks for cancellation between steps. */
  readonly checks: boolean;
}

/** Ends a test that would hang: far longer than a thread that is free can take, however busy the machine is. */
const GATE_MS = 45_000;

/** Adds its two inputs. */
const add: StageBody<unknown> = async ({ tensors }, context) => {
  const session = await context.session('adder');
  return session.run({ a: tensors['a']!, b: tensors['b']! });
};

/** Runs the slow graph step after step, and tells its progress. */
const slow: StageBody<SlowParams> = async ({ params }, context) => {
  const session = await context.session('slow');
  const rounds: Tensor = {
    type: 'int64',
    shape: [],
    data: BigInt64Array.of(BigInt(params.roundsPerStep)),
  };
  let x: Tensor = floatTensor([1, 24], new Float32Array(24).fill(0.5));
  for (let step = 1; step <= params.steps; step += 1) {
    if (params.checks) context.throwIfCancelled();
    x = (await session.run({ x, rounds }))['y']!;
    context.progress(step, params.steps);
  }
  return { y: x };
};

/** Asks for the graphs of all roles first and runs them afterwards, twice each in turn. */
const alternate: StageBody<{ readonly roles: readonly string[] }> = async (
  { params, tensors },
  context,
) => {
  const sessions = await Promise.all(params.roles.map((role) => context.session(role)));
  let y: Tensor | undefined;
  for (const session of [...sessions, ...sessions]) {
    y = (await session.run({ x: tensors['x']! }))['y'];
  }
  return y === undefined ? {} : { y };
};

/**
 * Holds the thread that it runs on, which does nothing else meanwhile, until somebody opens the shared `gate`.
 * @throws deadline-exceeded — nobody did
 */
const hold: StageBody<unknown> = async ({ tensors }, context) => {
  const gate = tensors['gate']!.data as BigInt64Array;
  context.progress(1, 1);
  if (Atomics.wait(gate, 0, 0n, GATE_MS) === 'timed-out') {
    throw new BivdiffError('deadline-exceeded', 'the thread that opens the gate is not free');
  }
  return {};
};

/** What the context tells. */
const look: StageBody<unknown> = async ({ params, frames }, context) => {
  let made = 0;
  const make = async (): Promise<number> => {
    made += 1;
    return Promise.resolve(made);
  };
  const key = `look ${context.digest('words')}`;
  await context.memo(key, make);
  await context.memo(key, make);
  const tokenizer = await context.tokenizer('words');
  const facts = { params, frames, made, config: context.config('words') };
  const text = new TextEncoder().encode(JSON.stringify(facts));
  return {
    ids: { type: 'int64', shape: [77], data: tokenizer.encode('a horse') },
    facts: { type: 'uint8', shape: [text.length], data: text },
  };
};

/** Gives back what it was given: one tensor as it is, one that is a part of a larger buffer. */
const echo: StageBody<unknown> = async ({ tensors }) => {
  const whole = tensors['x']!;
  const part = new Float32Array([9, ...(whole.data as Float32Array)]).subarray(1);
  return Promise.resolve({ whole, again: whole, part: floatTensor(whole.shape, part) });
};

/** Runs a UNet once, which the product would run step by step. */
const runUnetOnce: StageBody<unknown> = async ({ tensors }, context) => {
  const session = await context.session('unet');
  return session.run(tensors);
};

const crashOnExit: StageBody<unknown> = async () => {
  process.exit(7);
};

const crashOnThrow: StageBody<unknown> = async () => {
  setImmediate(() => {
    throw new TypeError('thrown where nobody catches');
  });
  return new Promise(() => undefined);
};

const defect: StageBody<unknown> = async () => {
  const nothing: unknown = undefined;
  return Promise.resolve((nothing as { outputs: Record<string, Tensor> }).outputs);
};

const bodies = {
  add,
  slow,
  alternate,
  look,
  echo,
  hold,
  'crash-on-exit': crashOnExit,
  'crash-on-throw': crashOnThrow,
  defect,
};

serveLane({
  ...Object.fromEntries(Object.entries(bodies).map(([stage, body]) => [stage, { body }])),
  // As stages of the product, with what their graphs must look like.
  smooth: { body: runUnetOnce, graphs: LANE_STAGES.smooth.graphs! },
  'image-unet': { body: runUnetOnce, graphs: () => ({ unet: IMAGE_UNET }) },
});
