// What every sampler and inverter is: a list of timesteps and the same two verbs, `scaleModelInput` and `step`. They know
// of numbers alone: no models, no shapes beyond the batch, no random source.
//
// Arithmetic, in all of them: each operation is rounded to float32 in diffusers' order; cumulative products are taken in double
// and kept in float32, as torch does on a CPU. Results equal diffusers' to the bit where torch's square root, logarithm and
// exponential round correctly, and within 1e-5 where they do not.

/** What one step is told. Nothing in it is written to. */
export interface StepInput {
  /** What the model gave, of the sample's length. */
  readonly modelOutput: Float32Array;
  /** Index into `timesteps`; a timestep itself would not do, since PNDM visits some twice. */
  readonly stepIndex: number;
  /** The state before the step, `batch` samples one after another. */
  readonly sample: Float32Array;
  /** How many samples the state holds; each has its own threshold. */
  readonly batch: number;
  /** Standard normals, as many as the sample has values. Called at most once a step, and only by steps that add noise. */
  readonly noise?: (stepIndex: number) => Float32Array;
  /** The clean sample to go on from in place of the one that the model's output means. Only DDIM can be told one. */
  readonly clean?: Float32Array;
}

/** All that a step depends on besides its input, for checkpoints. Plain data: survives structured cloning. */
export interface SamplerState {
  /** Null before the first step, and always where steps do not depend on earlier ones. */
  readonly nextStep: number | null;
  readonly history: Readonly<Record<string, Float32Array>>;
}

interface Scheduler {
  /** What the model is called with, 0..T-1 and rarely whole (Euler with linspace); one model call per entry. */
  readonly timesteps: readonly number[];
  /** The state as the model wants to see it; may be the state itself. */
  scaleModelInput(sample: Float32Array, stepIndex: number): Float32Array;
  /** The state after the step, in a new array. Steps of multi-step samplers come in order, each once. */
  step(input: StepInput): Float32Array;
  saveState(): SamplerState;
  /** `state` came from `saveState` of a sampler that was created alike. */
  restoreState(state: SamplerState): void;
}

/** What a sampler is made for, besides a model's scheduler config. */
export interface SamplerOptions {
  readonly steps: number;
  /** To visit in place of those that the config spaces, descending; as many as there are steps. Some samplers take none. */
  readonly timesteps?: readonly number[] | undefined;
}

/** From noise to a clean sample: `timesteps` descend. */
export interface Sampler extends Scheduler {
  /** The first state is standard normal noise times this. */
  readonly initNoiseSigma: number;
}

/** From a clean sample to the noise that leads to it: `timesteps` ascend. Draws nothing. */
export type Inverter = Scheduler;
