// What loops that look at a cluster again and again have in common.

import type { BivdiffError } from '../../../common/errors.ts';

/** Says each trouble when it begins, and again when it has been away. Numbers in it do not make it another. */
export class Troubles {
  readonly #say: (error: BivdiffError) => void;
  #said = new Set<string>();

  constructor(say: (error: BivdiffError) => void) {
    this.#say = say;
  }

  say(errors: readonly BivdiffError[]): void {
    const now = new Set<string>();
    for (const error of errors) {
      const key = error.message.replaceAll(/\d+/g, '#');
      if (!this.#said.has(key) && !now.has(key)) this.#say(error);
      now.add(key);
    }
    this.#said = now;
  }
}
