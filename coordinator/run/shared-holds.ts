// Which results that workers hold are needed, by all jobs: two may need the same. What none needs any more its worker is told to drop.

import type { HeldResult } from '../../common/bus/ports.ts';
import type { Digest } from '../../common/task.ts';

export class SharedHolds {
  readonly #tell: (worker: string, digests: readonly Digest[]) => void;
  /** How often, by worker and digest. */
  readonly #needed = new Map<string, number>();

  /** @default nobody is told: workers let go of what is unused longest */
  constructor(tell: (worker: string, digests: readonly Digest[]) => void = () => undefined) {
    this.#tell = tell;
  }

  need(result: HeldResult): void {
    for (const digest of digestsOf(result)) {
      const key = `${result.worker} ${digest}`;
      this.#needed.set(key, (this.#needed.get(key) ?? 0) + 1);
    }
  }

  /** To be called once for each `need`. */
  release(result: HeldResult): void {
    const { worker } = result;
    const dropped = digestsOf(result).filter((digest) => {
      const key = `${worker} ${digest}`;
      const left = (this.#needed.get(key) ?? 0) - 1;
      if (left > 0) this.#needed.set(key, left);
      else this.#needed.delete(key);
      return left <= 0;
    });
    if (dropped.length > 0) this.#tell(worker, dropped);
  }
}

function digestsOf({ outputs }: HeldResult): Digest[] {
  return Object.values(outputs).flatMap((refs) => refs.map(({ digest }) => digest));
}
