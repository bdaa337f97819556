// How many seconds a unit of work takes lately, by what does it: so that work that waits can be told in seconds. Pure.

import { SAMPLING_STAGES } from '../../../common/stage-facts.ts';
import type { Stage } from '../../../common/task.ts';

/** Work of one kind takes alike. */
export interface WorkKind {
  readonly stage: Stage;
  readonly numericsKey: string;
  /** Digests of the models that it runs; empty if it runs none. */
  readonly models: string;
}

/** What is assumed of a class of which nothing was measured: an image UNet on one frame of 512x512 on a data-centre GPU. */
export const ASSUMED_SECONDS_PER_UNIT = 0.05;
/** What was measured before counts so much after each further task. */
const FADING = 0.95;
/** Kinds that are remembered; those noted longest ago are forgotten. */
const KINDS_MAX = 1_000;

interface Measured {
  seconds: number;
  units: number;
}

export class WorkRates {
  /** Least recently noted first. */
  readonly #measured = new Map<string, Measured>();

  /** A task of so many units, above 0, took so long. */
  note(kind: WorkKind, units: number, seconds: number): void {
    for (const key of keysOf(kind)) {
      const before = this.#measured.get(key) ?? { seconds: 0, units: 0 };
      this.#measured.delete(key);
      this.#measured.set(key, {
        seconds: FADING * before.seconds + seconds,
        units: FADING * before.units + units,
      });
    }
    if (this.#measured.size > KINDS_MAX) {
      const [oldest] = this.#measured.keys();
      this.#measured.delete(oldest!);
    }
  }

  /**
   * As measured; else as the stage takes with other models, else as the sampling stages do, both on the same numerics class; else assumed.
   */
  secondsPerUnit(kind: WorkKind): number {
    const known = [...keysOf(kind), allOf(kind)].find((key) => this.#measured.has(key));
    if (known === undefined) return ASSUMED_SECONDS_PER_UNIT;
    const { seconds, units } = this.#measured.get(known)!;
    return seconds / units;
  }
}

/** Most telling first. */
function keysOf(kind: WorkKind): readonly string[] {
  const { stage, numericsKey, models } = kind;
  const ofStage = `${numericsKey} ${stage}`;
  const own = `${ofStage} ${models}`;
  return SAMPLING_STAGES.includes(stage) ? [own, ofStage, allOf(kind)] : [own, ofStage];
}

function allOf({ numericsKey }: WorkKind): string {
  return numericsKey;
}
