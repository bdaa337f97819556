// A UNet over the steps of one task. With a cache interval most steps take the deep features of an earlier one, which change little from step to
// step, and compute anew what lies behind them: DeepCache (arXiv 2312.00858). The result is another one, a little.

import type { Session, StageContext } from '../inference/ports.ts';
import type { FloatTensor, Tensor } from '../tensor/tensor.ts';
import { floatOutput } from './graph-outputs.ts';
import { runUnet, unetFeeds } from './unet.ts';
import type { UnetCall } from './unet.ts';

const NOISE = 'out_sample';

type Values = Readonly<Record<string, Tensor>>;

export interface StepUnet {
  /** What it takes. */
  readonly session: Session;
  /** From step to step, in order and from one that the interval divides: the same calls in the same order. Batches may change. */
  run(call: UnetCall, step: number): Promise<FloatTensor>;
}

/** @param cacheInterval - Every so many steps, from the first, the whole graph is run; 1: at each */
export async function openStepUnet(context: StageContext, cacheInterval = 1): Promise<StepUnet> {
  if (cacheInterval > 1) {
    const deep = await context.session('unet', 'deep');
    return new CachingUnet(deep, await context.session('unet', 'shallow'), cacheInterval);
  }
  const session = await context.session('unet');
  return { session, run: (call) => runUnet(session, call) };
}

class CachingUnet implements StepUnet {
  readonly session: Session;
  readonly #shallow: Session;
  readonly #interval: number;
  /** Of the last whole run, by the call's place in its step. */
  readonly #cached: { readonly batch: number; readonly features: Values }[] = [];
  #step: number | undefined;
  #calls = 0;

  constructor(deep: Session, shallow: Session, interval: number) {
    this.session = deep;
    this.#shallow = shallow;
    this.#interval = interval;
  }

  async run(call: UnetCall, step: number): Promise<FloatTensor> {
    this.#calls = step === this.#step ? this.#calls + 1 : 0;
    this.#step = step;
    const place = this.#calls;
    const cached = this.#cached[place];
    const [batch = 0] = call.sample.shape;
    // Other branches of guidance are asked now.
    const isOther = cached?.batch !== batch;
    if (step % this.#interval === 0 || isOther) return this.#runWhole(call, place);
    const feeds: Values = { ...unetFeeds(this.#shallow, call), ...cached.features };
    // A shallow graph may do without some.
    const taken = this.#shallow.inputs.flatMap(({ name }) => {
      const feed = feeds[name];
      return feed === undefined ? [] : [[name, feed] as const];
    });
    const outputs = await this.#shallow.run(Object.fromEntries(taken));
    return floatOutput(outputs, NOISE, this.#shallow.name);
  }

  async #runWhole(call: UnetCall, place: number): Promise<FloatTensor> {
    const { session } = this;
    const outputs = await session.run(unetFeeds(session, call));
    const noise = floatOutput(outputs, NOISE, session.name);
    const features = Object.fromEntries(Object.entries(outputs).filter(([name]) => name !== NOISE));
    this.#cached[place] = { batch: call.sample.shape[0]!, features };
    return noise;
  }
}
