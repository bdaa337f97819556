// When a task's checkpoint is due: so often while it runs, and when it is stopped, if that would lose much.

import type { Checkpoint } from '../ports.ts';

/** A stopped task leaves a checkpoint if it has worked for this share of the interval since the last. */
const WORTH_KEEPING = 0.2;

export class CheckpointClock {
  readonly #everyMs: number;
  readonly #leave: (checkpoint: Checkpoint) => void;
  readonly #nowMs: () => number;
  #now: { readonly doneSteps: number; readonly save: () => Checkpoint['tensors'] } | undefined;
  /** When the last one was left, or the first step was about to begin; and after which step that was. */
  #sinceMs = 0;
  #leftAt = 0;

  /** `leave` gets each checkpoint, made for it. */
  constructor(
    everySeconds: number,
    leave: (checkpoint: Checkpoint) => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#everyMs = everySeconds * 1000;
    this.#leave = leave;
    this.#nowMs = nowMs;
  }

  /** As `StageContext.standsAt`. */
  standsAt(doneSteps: number, save: () => Checkpoint['tensors']): void {
    if (this.#now === undefined) {
      this.#sinceMs = this.#nowMs();
      this.#leftAt = doneSteps;
    }
    this.#now = { doneSteps, save };
    this.#leaveIfOlderThan(this.#everyMs);
  }

  /** The task was stopped, in the middle of a step or between two. */
  stopped(): void {
    this.#leaveIfOlderThan(this.#everyMs * WORTH_KEEPING);
  }

  #leaveIfOlderThan(ageMs: number): void {
    const now = this.#now;
    const nowMs = this.#nowMs();
    if (now === undefined || now.doneSteps === this.#leftAt || nowMs - this.#sinceMs < ageMs)
      return;
    this.#sinceMs = nowMs;
    this.#leftAt = now.doneSteps;
    this.#leave({ doneSteps: now.doneSteps, tensors: now.save() });
  }
}
