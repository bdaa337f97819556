// When jobs would be done with so many slots: work flows through the stages of each job, and pools share their slots out by the order of
// the jobs. A fluid, not task by task, in steps of some seconds: it is asked some dozen times for one decision. Pure.

import { SCALED_POOLS } from './predicted-work.ts';
import type { JobWork, ScaledPool } from './predicted-work.ts';

/** Slots that are there from some seconds from now on. */
export interface SlotSupply {
  readonly slots: number;
  readonly fromSeconds: number;
}

export type Supplies = Readonly<Record<ScaledPool, readonly SlotSupply[]>>;

export interface Projection {
  /** By job, seconds from now; Infinity where nobody is there, nor will be, who could do it. */
  readonly ends: Float64Array;
  /** Seconds from now until the pool has nothing to do any more; 0: it has nothing to do now. */
  readonly lastUse: Readonly<Record<ScaledPool, number>>;
}

/** So little work is none: sums of parts are not exact. */
const NONE = 1e-6;
/** Far ahead steps are longer: so share of the time until then. And nobody asks what is in a year. */
const STEP_SHARE = 1 / 200;
const HORIZON_SECONDS = 3e7;

/** Tries many supplies for the same work. */
export class Projector {
  readonly #stepSeconds: number;
  readonly #jobs: number;
  /** First stage of each job; one entry more, for where the last one's stages end. Stages without tasks are left out. */
  readonly #first: Uint32Array;
  readonly #pool: Uint8Array;
  readonly #left: Float64Array;
  readonly #taskSeconds: Float64Array;
  readonly #total: Float64Array;
  readonly #count: number;

  constructor(jobs: readonly JobWork[], stepSeconds: number) {
    this.#stepSeconds = stepSeconds;
    this.#jobs = jobs.length;
    const stages = jobs.map((job) => job.stages.filter(({ tasks }) => tasks > 0));
    this.#first = new Uint32Array(jobs.length + 1);
    stages.forEach((ofJob, job) => {
      this.#first[job + 1] = this.#first[job]! + ofJob.length;
    });
    const all = stages.flat();
    this.#count = all.length;
    this.#pool = Uint8Array.from(all, ({ pool }) => SCALED_POOLS.indexOf(pool));
    this.#left = Float64Array.from(all, ({ seconds, tasks }) => Math.max(seconds, tasks * NONE));
    this.#taskSeconds = this.#left.map((seconds, stage) => seconds / all[stage]!.tasks);
    this.#total = Float64Array.from(all, ({ total, tasks }) => Math.max(total, tasks));
  }

  /** What lies between two times that it tells apart, so many seconds from now. */
  stepSecondsAt(seconds: number): number {
    return Math.max(this.#stepSeconds, STEP_SHARE * seconds);
  }

  project(supplies: Supplies): Projection {
    const left = this.#left.slice();
    const used = new Float64Array(this.#count);
    const ends = new Float64Array(this.#jobs).fill(Infinity);
    const lastUse = new Float64Array(SCALED_POOLS.length);
    const lists = SCALED_POOLS.map((pool) => supplies[pool]);
    const lastSupply = Math.max(0, ...lists.flat().map(({ fromSeconds }) => fromSeconds));
    const room = new Float64Array(SCALED_POOLS.length);
    let open = 0;
    for (let job = 0; job < this.#jobs; job += 1) {
      if (this.#isDone(job, left)) ends[job] = 0;
      else open += 1;
    }
    let now = 0;
    while (open > 0 && now < HORIZON_SECONDS) {
      const stepSeconds = this.stepSecondsAt(now);
      const end = now + stepSeconds;
      lists.forEach((list, pool) => (room[pool] = roomOf(list, now, stepSeconds)));
      let moved = 0;
      for (let job = 0; job < this.#jobs; job += 1) {
        if (ends[job]! < Infinity) continue;
        const done = this.#advance(job, { left, used, room, lastUse, end, stepSeconds });
        moved += done;
        if (done === 0 || !this.#isDone(job, left)) continue;
        ends[job] = end;
        open -= 1;
      }
      // Nothing will ever come that could go on with what is left.
      if (moved === 0 && now > lastSupply) break;
      now = end;
    }
    const [idm = 0, mixer = 0, vdm = 0] = lastUse;
    return { ends, lastUse: { idm, mixer, vdm } };
  }

  /** One step of a job, furthest stages first; gives the work that was done. */
  #advance(job: number, state: StepState): number {
    const { left, used, room, lastUse, end, stepSeconds } = state;
    const [from, to] = [this.#first[job]!, this.#first[job + 1]!];
    let moved = 0;
    for (let stage = to - 1; stage >= from; stage -= 1) {
      const pool = this.#pool[stage]!;
      if (left[stage]! <= NONE || room[pool]! <= 0) {
        used[stage] = 0;
        continue;
      }
      const available = this.#available(from, stage, left);
      // Those that were begun go on beside each other until they end.
      const slots = Math.max(Math.ceil(available - NONE), used[stage]!);
      const atOnce = slots * stepSeconds;
      const work = Math.min(available * this.#taskSeconds[stage]!, atOnce, room[pool]!);
      if (work <= 0) {
        used[stage] = 0;
        continue;
      }
      used[stage] = Math.min(slots, Math.ceil(work / stepSeconds));
      left[stage] = left[stage]! - work;
      if (left[stage]! <= NONE) left[stage] = 0;
      room[pool] = room[pool]! - work;
      lastUse[pool] = end;
      moved += work;
    }
    return moved;
  }

  /** Tasks of a stage that are not done and whose inputs are there. */
  #available(from: number, stage: number, left: Float64Array): number {
    let share = 1;
    for (let before = from; before < stage; before += 1) {
      const all = this.#taskSeconds[before]! * this.#total[before]!;
      share = Math.min(share, 1 - left[before]! / all);
    }
    const total = this.#total[stage]!;
    const open = left[stage]! / this.#taskSeconds[stage]!;
    return Math.max(0, Math.min(open, Math.floor(share * total + NONE) - (total - open)));
  }

  #isDone(job: number, left: Float64Array): boolean {
    for (let stage = this.#first[job]!; stage < this.#first[job + 1]!; stage += 1) {
      if (left[stage]! > 0) return false;
    }
    return true;
  }
}

interface StepState {
  readonly left: Float64Array;
  /** Slots that each stage had in the step before. */
  readonly used: Float64Array;
  /** By pool: slot-seconds of this step that nobody has. */
  readonly room: Float64Array;
  readonly lastUse: Float64Array;
  /** Of the step. */
  readonly end: number;
  readonly stepSeconds: number;
}

/** Slot-seconds from `now` to a step later. */
function roomOf(list: readonly SlotSupply[], now: number, stepSeconds: number): number {
  let room = 0;
  for (const { slots, fromSeconds } of list) {
    room += slots * Math.min(stepSeconds, Math.max(0, now + stepSeconds - fromSeconds));
  }
  return room;
}
