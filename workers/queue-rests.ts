// Which queues a worker asks, and for how long.

/** Longest wait for a task before the queues are asked again. */
const PULL_WAIT_MS = 5_000;
/** A queue that gave a task to hand back is left to others for so long, or the two would play catch. */
const QUEUE_REST_MS = 500;

/** The queues that a worker pulls from, less those that it leaves to others for a moment. */
export class QueueRests {
  readonly #queues: readonly string[];
  readonly #untilMs = new Map<string, number>();

  constructor(queues: readonly string[]) {
    this.#queues = queues;
  }

  rest(queue: string, nowMs: number): void {
    this.#untilMs.set(queue, nowMs + QUEUE_REST_MS);
  }

  /** Where to ask, and for how long: no longer than until a queue comes back. */
  now(nowMs: number): { readonly asked: readonly string[]; readonly waitMs: number } {
    for (const [queue, untilMs] of this.#untilMs) {
      if (untilMs <= nowMs) this.#untilMs.delete(queue);
    }
    if (this.#untilMs.size === 0) return { asked: this.#queues, waitMs: PULL_WAIT_MS };
    const firstMs = Math.min(...this.#untilMs.values());
    const asked = this.#queues.filter((queue) => !this.#untilMs.has(queue));
    return { asked, waitMs: Math.min(PULL_WAIT_MS, Math.max(1, Math.ceil(firstMs - nowMs))) };
  }
}
