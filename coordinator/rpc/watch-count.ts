// How many watches each caller has open: each holds memory here until it is over.

import { BivdiffError } from '../../common/errors.ts';

export class WatchCount {
  readonly #max: number;
  readonly #open = new Map<string, number>();

  /** `max`: of one caller. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Counts one more; the returned function ends it, once. @throws resource-exhausted */
  begin(caller: string): () => void {
    const open = this.#open.get(caller) ?? 0;
    if (open >= this.#max) {
      throw new BivdiffError('resource-exhausted', `${open} watches are open already`, {
        hint: 'End some of them; bivdiff list shows all jobs at once.',
      });
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
