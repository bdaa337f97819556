// GPU-seconds that the pods of a day have used, against what they may. Pure.

const DAY_MS = 86_400_000;

export class GpuBudget {
  readonly #secondsMax: number;
  #day = 0;
  #spent = 0;
  #noted: { readonly atMs: number; readonly pods: number } | undefined;

  constructor(secondsMax = Infinity) {
    this.#secondsMax = secondsMax;
  }

  /** So many pods are there at this time, in milliseconds since 1970; they were since the last time. */
  note(pods: number, atMs: number): void {
    const day = Math.floor(atMs / DAY_MS);
    if (day !== this.#day) this.#spent = 0;
    this.#day = day;
    if (this.#noted !== undefined) {
      const from = Math.max(this.#noted.atMs, day * DAY_MS);
      this.#spent += (this.#noted.pods * Math.max(0, atMs - from)) / 1000;
    }
    this.#noted = { atMs, pods };
  }

  get spentSeconds(): number {
    return this.#spent;
  }

  get isSpent(): boolean {
    return this.#spent >= this.#secondsMax;
  }
}
