// Lets a bounded number of things run at once; the rest wait in line. So thousands of calls need few open files.

/** A linked list: a survey may put a hundred thousand calls in line, and shifting an array of that size is slow. */
interface Waiting {
  readonly enter: () => void;
  next: Waiting | undefined;
}

export class Gate {
  readonly #max: number;
  #running = 0;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #onIdle: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#running < this.#max) this.#running++;
    else await this.#turn();
    try {
      return await action();
    } finally {
      this.#leave();
    }
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #turn(): Promise<void> {
    return new Promise((enter) => {
      const waiting: Waiting = { enter, next: undefined };
      if (this.#last === undefined) this.#first = waiting;
      else this.#last.next = waiting;
      this.#last = waiting;
    });
  }

  /** The place passes on to the next in line, if there is one. */
  #leave(): void {
    const next = this.#first;
    if (next !== undefined) {
      this.#first = next.next;
      if (this.#first === undefined) this.#last = undefined;
      next.enter();
      return;
    }
    this.#running--;
    if (this.#running > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
