// A Session over a graph in two parts (split-controls.ts): hints are made of control pictures once, however many runs see them.

import type { Tensor } from '../../tensor/tensor.ts';
import type { OwnedSession, ValueFacts } from '../ports.ts';

type Values = Readonly<Record<string, Tensor>>;

interface Parts {
  readonly hints: OwnedSession;
  readonly rest: OwnedSession;
}

/** Runs as the whole graph would. Pictures are known again by their tensor, which must not change. */
export class HintedSession implements OwnedSession {
  readonly #pictures: string;
  readonly #parts: Parts;
  /** For as long as somebody has the pictures. */
  readonly #hints = new WeakMap<Tensor, Values>();

  constructor(pictures: string, parts: Parts) {
    this.#pictures = pictures;
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.rest.name;
  }

  get inputs(): readonly ValueFacts[] {
    const { hints, rest } = this.#parts;
    const made = hints.outputs.map(({ name }) => name);
    return [...rest.inputs.filter(({ name }) => !made.includes(name)), ...hints.inputs];
  }

  get outputs(): readonly ValueFacts[] {
    return this.#parts.rest.outputs;
  }

  get busySeconds(): number {
    return this.#parts.hints.busySeconds + this.#parts.rest.busySeconds;
  }

  async run({ [this.#pictures]: pictures, ...others }: Values): Promise<Values> {
    const { hints, rest } = this.#parts;
    const known = pictures && this.#hints.get(pictures);
    // Without pictures, it says what is missing.
    const made = known ?? (await hints.run(pictures ? { [this.#pictures]: pictures } : {}));
    if (pictures !== undefined) this.#hints.set(pictures, made);
    return rest.run({ ...others, ...made });
  }

  async release(): Promise<void> {
    await this.#parts.hints.release();
    await this.#parts.rest.release();
  }
}
