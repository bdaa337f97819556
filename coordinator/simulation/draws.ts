// Random numbers of a simulation, as a function of what they are for: (seed, task or worker, purpose). No state, so a draw does not
// depend on the order in which things happen, and can be made again when the bound is worked out. For simulation only.

import type { TaskId } from '../../common/task.ts';

/** What a number is drawn for; each its own stream. */
const PURPOSES = {
  durationRadius: 1,
  durationAngle: 2,
  straggles: 3,
  fails: 4,
  failsWhen: 5,
  death: 6,
  poison: 7,
} as const;

export interface DrawOptions {
  readonly seed: number;
  /** Sigma of the log-normal durations; their mean stays what was asked for. */
  readonly spread: number;
  readonly stragglers: { readonly share: number; readonly factor: number };
  /** Probability that an attempt at a task fails. */
  readonly failures: number;
}

export class Draws {
  readonly #options: DrawOptions;
  readonly #seed: number;

  constructor(options: DrawOptions) {
    this.#options = options;
    // Both halves of a seed up to 2^53 count.
    this.#seed = mix(options.seed >>> 0, Math.floor(options.seed / 2 ** 32) >>> 0);
  }

  /** What the task takes on a worker of speed 1 that does not straggle: log-normal with this mean. */
  seconds(taskId: TaskId, mean: number): number {
    const { spread } = this.#options;
    if (spread === 0) return mean;
    const radius = Math.sqrt(-2 * Math.log(this.#ofTask(taskId, PURPOSES.durationRadius, 0)));
    const normal = radius * Math.cos(2 * Math.PI * this.#ofTask(taskId, PURPOSES.durationAngle, 0));
    return mean * Math.exp(spread * normal - (spread * spread) / 2);
  }

  /** How many times longer this run of the task takes: 1 or the stragglers' factor. Every run draws anew. */
  slowdown(taskId: TaskId, run: number): number {
    const { share, factor } = this.#options.stragglers;
    return share > 0 && this.#ofTask(taskId, PURPOSES.straggles, run) < share ? factor : 1;
  }

  /** The part of its time, 0..1, after which this run of the task fails; undefined when it does not. */
  failsAt(taskId: TaskId, run: number): number | undefined {
    const { failures } = this.#options;
    if (failures === 0 || this.#ofTask(taskId, PURPOSES.fails, run) >= failures) return undefined;
    return this.#ofTask(taskId, PURPOSES.failsWhen, run);
  }

  /** Seconds until a worker dies, by its number and how often it has died: exponential. */
  secondsToDeath(worker: number, life: number, perHour: number): number {
    return (-Math.log(this.#uniform(worker, life, PURPOSES.death)) * 3600) / perHour;
  }

  /** One of `count` things of a job. */
  pick(job: number, count: number): number {
    return Math.floor(this.#uniform(job, 0, PURPOSES.poison) * count);
  }

  #ofTask(taskId: TaskId, purpose: number, run: number): number {
    // A task's id is a hash already: 64 bits of it tell tasks apart.
    const high = Number.parseInt(taskId.slice(0, 8), 16);
    const low = Number.parseInt(taskId.slice(8, 16), 16);
    return this.#uniform(high, mix(low, run), purpose);
  }

  /** Strictly between 0 and 1. */
  #uniform(a: number, b: number, purpose: number): number {
    const first = mix(mix(mix(this.#seed, a), b), purpose);
    const second = mix(first, 0x9e3779b9);
    return ((first >>> 5) * 2 ** 26 + (second >>> 6) + 0.5) / 2 ** 53;
  }
}

/** A round of MurmurHash3's finaliser: every bit of either word moves half the bits of the result. */
function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ (word + 0x9e3779b9), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x27d4eb2f);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
