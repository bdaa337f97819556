// The least makespan that any schedule could reach, were all durations known in advance and the control plane free of charge. Simple
// bounds like work / workers blame the scheduler for the time in which the pipeline fills and empties; these do not.
//
// Every task t has a head h(t), before which it cannot begin, and a tail q(t), the least time from its end to the end of its job:
//   h(t) = max of the job's submission,
//              h(d) + p(d) over the tasks d that it reads,
//              (least head among those of its ancestors that pool P runs) + (their work) / m(P), over the pools P
//   q(t) = max of p(d) + q(d) over the tasks d that read it
// For any set S of n tasks that run on m slots, with the sets taken here: every run of neighbouring stages of a pool (of the idm pool:
// generate; generate and encode; ... ; with decode), and everything on all slots:
//   area    (sum of the m least heads in S + work of S + sum of the m least tails in S) / m: each of the m slots has another first and
//           another last task
//   rounds  least head + the largest, over k, of (the k+1 shortest among the k*m+1 longest tasks) + least tail: of k*m+1 tasks
//           some slot runs k+1. For equal tasks that is ceil(n/m)*p
//   chain   max of h(t) + p(t) + q(t)
// The bound is the largest of all. With one frame stage, one mix stage and one window stage, `area` is the known bound of staged pools
//   max(W1/m1 + min(p2+p3), head2 + W2/m2 + min p3, head3 + W3/m3, max(p1+p2+p3))
// Times here are of any one unit.

import { NumberList } from './number-list.ts';

/** The tasks of a job, for the bound: numbered so that what a task reads has lower numbers. */
export interface BoundShape {
  readonly size: number;
  /** Group of each task, 0..groups-1: its stage, in pipeline order. */
  readonly groupOf: Uint16Array;
  readonly dependencies: (task: number) => Iterable<number>;
}

export interface BoundGroup {
  readonly name: string;
  /** Number of its pool; `ANY_POOL`: all of them run it. */
  readonly pool: number;
}

export const ANY_POOL = -1;

export interface Bound {
  readonly makespan: number;
  /** What it comes from, for people: "area of invert-video to smooth". */
  readonly because: string;
  /** All that were looked at, each the largest of its kind. */
  readonly area: number;
  readonly rounds: number;
  readonly chain: number;
}

interface Part {
  readonly names: string;
  readonly slots: number;
  readonly groups: readonly number[];
}

export class LowerBound {
  readonly #shape: BoundShape;
  readonly #groups: readonly BoundGroup[];
  readonly #slots: readonly number[];
  readonly #ancestors: Ancestors;
  readonly #durations: readonly NumberList[];
  readonly #heads: readonly NumberList[];
  readonly #tails: readonly NumberList[];
  readonly #head: Float64Array;
  readonly #tail: Float64Array;
  #chain = 0;

  /** `slots` by pool number. */
  constructor(shape: BoundShape, groups: readonly BoundGroup[], slots: readonly number[]) {
    this.#shape = shape;
    this.#groups = groups;
    this.#slots = slots;
    this.#ancestors = ancestorsOf(shape);
    this.#durations = groups.map(() => new NumberList());
    this.#heads = groups.map(() => new NumberList());
    this.#tails = groups.map(() => new NumberList());
    this.#head = new Float64Array(shape.size);
    this.#tail = new Float64Array(shape.size);
  }

  /** Takes in one more job of this shape, submitted at `release`. */
  add(durations: Float64Array, release: number): void {
    const { size, groupOf, dependencies } = this.#shape;
    this.#head.fill(release);
    this.#tail.fill(0);
    for (let task = 0; task < size; task += 1) {
      let head = this.#headByPools(task, durations, release);
      for (const needed of dependencies(task)) {
        head = Math.max(head, this.#head[needed]! + durations[needed]!);
      }
      this.#head[task] = head;
    }
    for (let task = size - 1; task >= 0; task -= 1) {
      const through = durations[task]! + this.#tail[task]!;
      for (const needed of dependencies(task)) {
        this.#tail[needed] = Math.max(this.#tail[needed]!, through);
      }
      this.#chain = Math.max(this.#chain, this.#head[task]! + through);
      const group = groupOf[task]!;
      this.#durations[group]!.push(durations[task]!);
      this.#heads[group]!.push(this.#head[task]!);
      this.#tails[group]!.push(this.#tail[task]!);
    }
  }

  /** The bound of all jobs so far. */
  value(): Bound {
    const largest = { area: 0, rounds: 0 };
    let because = 'the longest chain of tasks';
    let makespan = this.#chain;
    for (const part of this.#parts()) {
      const found = this.#boundsOf(part);
      for (const kind of ['area', 'rounds'] as const) {
        largest[kind] = Math.max(largest[kind], found[kind]);
        if (found[kind] <= makespan) continue;
        makespan = found[kind];
        because = `${kind === 'area' ? 'the work' : 'the number'} of ${part.names} tasks`;
      }
    }
    return { makespan, because, ...largest, chain: this.#chain };
  }

  /** What the ancestors keep each pool busy with before the task can begin. */
  #headByPools(task: number, durations: Float64Array, release: number): number {
    const { groupOf } = this.#shape;
    const pools = this.#slots.length;
    let head = release;
    // One more than there are pools: what any may run.
    for (let pool = 0; pool <= pools; pool += 1) {
      let work = 0;
      let least = Infinity;
      for (const ancestor of this.#ancestors.of(task)) {
        const own = this.#groups[groupOf[ancestor]!]!.pool;
        if ((own === ANY_POOL ? pools : own) !== pool) continue;
        work += durations[ancestor]!;
        least = Math.min(least, this.#head[ancestor]!);
      }
      if (work > 0) head = Math.max(head, least + work / this.#slotsOf(pool));
    }
    return head;
  }

  #slotsOf(pool: number): number {
    return this.#slots[pool] ?? this.#slots.reduce((sum, slots) => sum + slots, 0);
  }

  /** Neighbouring stages of each pool; everything. */
  #parts(): Part[] {
    const parts: Part[] = [];
    this.#slots.forEach((slots, pool) => {
      const own = this.#groups.flatMap((group, index) => (group.pool === pool ? [index] : []));
      for (let from = 0; from < own.length; from += 1) {
        for (let to = from + 1; to <= own.length; to += 1) {
          parts.push({
            names: this.#namesOf(own.slice(from, to)),
            slots,
            groups: own.slice(from, to),
          });
        }
      }
    });
    const all = this.#groups.map((_, index) => index);
    return [...parts, { names: 'all', slots: this.#slotsOf(this.#slots.length), groups: all }];
  }

  #namesOf(groups: readonly number[]): string {
    const names = groups.map((group) => this.#groups[group]!.name);
    return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
  }

  #boundsOf({ groups, slots }: Part): { area: number; rounds: number } {
    const durations = joined(groups.map((group) => this.#durations[group]!));
    if (durations.length === 0 || slots === 0) return { area: 0, rounds: 0 };
    const heads = joined(groups.map((group) => this.#heads[group]!)).sort();
    const tails = joined(groups.map((group) => this.#tails[group]!)).sort();
    // With fewer tasks than slots the rest of the slots can run nothing of this.
    const used = Math.min(slots, durations.length);
    const ends = sumOf(heads.subarray(0, used)) + sumOf(tails.subarray(0, used));
    return {
      area: (ends + sumOf(durations)) / used,
      rounds: heads[0]! + roundsOf(durations, slots) + tails[0]!,
    };
  }
}

/** The least time in which so many slots run tasks of these durations, by counting rounds. Sorts them. */
function roundsOf(durations: Float64Array, slots: number): number {
  const longest = durations.sort().reverse();
  const sums = new Float64Array(longest.length + 1);
  for (let index = 0; index < longest.length; index += 1) {
    sums[index + 1] = sums[index]! + longest[index]!;
  }
  let least = 0;
  for (let round = 0; round * slots + 1 <= longest.length; round += 1) {
    const count = round * slots + 1;
    least = Math.max(least, sums[count]! - sums[count - round - 1]!);
  }
  return least;
}

function joined(lists: readonly NumberList[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0));
  let offset = 0;
  for (const list of lists) {
    all.set(list.values, offset);
    offset += list.length;
  }
  return all;
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

interface Ancestors {
  of(task: number): Uint32Array;
}

/** All tasks without whose results a task cannot begin, in flat arrays. */
function ancestorsOf({ size, dependencies }: BoundShape): Ancestors {
  const starts = new Uint32Array(size + 1);
  const found: number[] = [];
  const seenFor = new Int32Array(size).fill(-1);
  for (let task = 0; task < size; task += 1) {
    const first = found.length;
    for (const needed of dependencies(task)) note(needed, task);
    for (let next = first; next < found.length; next += 1) {
      for (const needed of dependencies(found[next]!)) note(needed, task);
    }
    starts[task + 1] = found.length;
  }
  const flat = Uint32Array.from(found);
  return { of: (task) => flat.subarray(starts[task], starts[task + 1]) };

  function note(ancestor: number, task: number): void {
    if (seenFor[ancestor] === task) return;
    seenFor[ancestor] = task;
    found.push(ancestor);
  }
}
