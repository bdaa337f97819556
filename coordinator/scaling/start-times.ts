// How long workers take from the request until they work (a node, an image, models), from those that were seen to: a distribution, not a
// constant. Pure.

/** So many starts are remembered: clusters change. */
const STARTS_MAX = 50;
/** What was said beforehand counts as so many starts. */
const SAID_STARTS = 2;
/** Past the slowest of those that were seen, one may take so many times longer. */
const BEYOND = 1.5;

export class StartTimes {
  readonly #saidSeconds: number;
  readonly #seconds: number[] = [];

  /** `saidSeconds`: what whoever runs the farm expects, above 0. */
  constructor(saidSeconds: number) {
    this.#saidSeconds = saidSeconds;
  }

  note(seconds: number): void {
    this.#seconds.push(seconds);
    if (this.#seconds.length > STARTS_MAX) this.#seconds.shift();
  }

  /** Starts that were seen. */
  get count(): number {
    return this.#seconds.length;
  }

  /** The time within which this share of starts is over, 0..1. */
  within(share: number): number {
    const all = this.#sorted;
    return all[Math.min(all.length - 1, Math.floor(share * all.length))]!;
  }

  /** What a worker that has been starting for so long will still take, as those did that took longer. */
  secondsLeft(sinceSeconds: number): number {
    const longer = this.#sorted.filter((seconds) => seconds > sinceSeconds);
    if (longer.length === 0) return sinceSeconds * (BEYOND - 1);
    return longer.reduce((sum, seconds) => sum + seconds, 0) / longer.length - sinceSeconds;
  }

  /** One that takes longer is not counted on. */
  get patienceSeconds(): number {
    return BEYOND * this.#sorted.at(-1)!;
  }

  get #sorted(): readonly number[] {
    // Until enough was seen, what was said.
    const said = new Array<number>(Math.max(0, SAID_STARTS)).fill(this.#saidSeconds);
    const all =
      this.#seconds.length < 2 * SAID_STARTS ? [...said, ...this.#seconds] : this.#seconds;
    return all.toSorted((a, b) => a - b);
  }
}
