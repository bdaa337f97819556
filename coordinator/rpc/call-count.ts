// How many calls of a kind each caller has open: each holds memory here until it is over.

import { BivdiffError } from '../../common/errors.ts';

export interface CallCountOptions {
  /** Of one caller. */
  readonly max: number;
  /** As in "watches". */
  readonly what: string;
  readonly hint: string;
}

export class CallCount {
  readonly #options: CallCountOptions;
  readonly #open = new Map<string, number>();

  constructor(options: CallCountOptions) {
    this.#options = options;
  }

  /** Counts one more; the returned function ends it, once. @throws resource-exhausted */
  begin(caller: string): () => void {
    const { max, what, hint } = this.#options;
    const open = this.#open.get(caller) ?? 0;
    if (open >= max) {
      throw new BivdiffError('resource-exhausted', `${open} ${what} are open already`, { hint });
    }
    this.#open.set(caller, open + 1);
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      const left = (this.#open.get(caller) ?? 1) - 1;
      if (left > 0) this.#open.set(caller, left);
      else this.#open.delete(caller);
    };
  }
}
