// Keeps count of one run of a job: what was run and reused, what it cost, what runs now, how long it will still take.
// Told by the run; changes nothing.

import type { ResultFacts, WorkerEvent } from '../../common/bus/ports.ts';
import type { FailureJson } from '../../common/errors.ts';
import type { ResultRecord, Stage, TaskId } from '../../common/task.ts';
import { costUnits, secondsPerUnit } from '../domain/cost.ts';
import type { MeasuredCost, StageLeft } from '../domain/cost.ts';
import { isStoreFull } from '../domain/failure-policy.ts';
import { countOfStage, stagesOf } from '../domain/plan.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import type { JobObserver } from './job-observer.ts';

/** Spans kept: a trace viewer takes no more, and memory shall not grow with the video. */
const SPANS_MAX = 50_000;

/** What ran when on which slot. */
export interface Span {
  readonly stage: Stage;
  readonly taskId: TaskId;
  readonly worker: string;
  readonly slot: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface StageTally {
  readonly total: number;
  run: number;
  reused: number;
  seconds: number;
  busySeconds: number;
  unitsRun: number;
  /** Of these, what `seconds` went into: not what a checkpoint has saved. */
  unitsWorked: number;
  unitsLeft: number;
}

/** Two results for one task: who made them. */
export interface Divergence {
  readonly taskId: TaskId;
  readonly stage: Stage;
  readonly workers: readonly [string, string];
}

interface Running {
  readonly task: TaskNumber;
  readonly slot: number;
  readonly startMs: number;
  /** When the next task entered its slot: then only its result was still being stored. */
  leftMs?: number;
  /** Steps that an earlier run of it has done. */
  readonly before: number;
  step: number;
  steps: number;
}

export interface JobTallyOptions {
  readonly graph: TaskGraph;
  readonly nowMs: () => number;
  /** Slots that run the job's tasks, now. */
  readonly slots: () => number;
  readonly onChange: () => void;
}

export class JobTally implements JobObserver {
  readonly spans: Span[] = [];
  readonly divergences: Divergence[] = [];
  readonly workers = new Set<string>();
  /** Tasks whose results the store had no room for the last time, and what it said; they are tried again and again. */
  readonly withoutRoom = new Map<TaskId, FailureJson>();
  readonly #options: JobTallyOptions;
  readonly #stages = new Map<Stage, StageTally>();
  /** It is known what must run. */
  #isSurveyed = false;
  readonly #running = new Map<TaskId, Running>();
  /** Who entered a slot last, while its result is not known. */
  readonly #inSlots = new Map<string, Running>();
  readonly #ran = new Set<TaskNumber>();

  constructor(options: JobTallyOptions) {
    this.#options = options;
    const { plan } = options.graph;
    for (const stage of stagesOf(plan)) {
      const total = countOfStage(plan, stage);
      const tally = {
        total,
        run: 0,
        reused: total,
        seconds: 0,
        busySeconds: 0,
        unitsRun: 0,
        unitsWorked: 0,
        unitsLeft: 0,
      };
      this.#stages.set(stage, tally);
    }
  }

  /** By stage, in pipeline order. */
  get stages(): ReadonlyMap<Stage, Readonly<StageTally>> {
    return this.#stages;
  }

  /** Steps of the tasks that run now, by stage. */
  runningOf(stage: Stage): { readonly step: number; readonly steps: number }[] {
    return [...this.#running.values()].filter(({ task }) => this.#stageOf(task) === stage);
  }

  surveyed(_: ReadonlyMap<TaskNumber, ResultRecord>, missing: readonly TaskNumber[]): void {
    this.#isSurveyed = true;
    for (const task of missing) {
      const tally = this.#tally(task);
      // A task that this run made and lost again was never reused.
      if (!this.#ran.has(task)) tally.reused -= 1;
      tally.unitsLeft += this.#units(task);
    }
    this.#options.onChange();
  }

  event(task: TaskNumber, event: WorkerEvent): void {
    this.workers.add(event.worker);
    switch (event.kind) {
      case 'started':
        this.#begin(task, event);
        break;
      case 'progress': {
        const running = this.#running.get(event.taskId);
        if (running !== undefined) Object.assign(running, { step: event.step, steps: event.steps });
        break;
      }
      case 'committed':
        this.#commit(task, event);
        this.withoutRoom.delete(event.taskId);
        this.#endSpan(event.taskId, event.worker);
        break;
      case 'failed':
        if (isStoreFull(event.failure)) this.withoutRoom.set(event.taskId, event.failure);
        this.#endSpan(event.taskId, event.worker);
        break;
      case 'diverged':
        this.divergences.push({
          taskId: event.taskId,
          stage: event.stage,
          workers: [event.otherWorker, event.worker],
        });
        break;
    }
    this.#options.onChange();
  }

  /** What is left to do of each stage; undefined until it is known what must run. */
  get left(): ReadonlyMap<Stage, StageLeft> | undefined {
    if (!this.#isSurveyed) return undefined;
    const left = new Map<Stage, StageLeft>();
    for (const [stage, { total, run, reused, unitsLeft }] of this.#stages) {
      const units = Math.max(0, unitsLeft - this.#unitsUnderWay(stage));
      left.set(stage, { units, tasks: total - run - reused, total });
    }
    return left;
  }

  /** 0..1 of the work that this run has to do, by estimated cost. */
  get fraction(): number {
    let run = 0;
    let left = -this.#unitsUnderWay();
    for (const tally of this.#stages.values()) {
      run += tally.unitsRun;
      left += tally.unitsLeft;
    }
    run += this.#unitsUnderWay();
    if (run + left > 0) return run / (run + left);
    return this.#isSurveyed ? 1 : 0;
  }

  /** Seconds until the job is done, if the slots stay busy. Undefined until a task was measured. */
  get secondsLeft(): number | undefined {
    const { measured } = this;
    let seconds = 0;
    for (const [stage, tally] of this.#stages) {
      const rate = secondsPerUnit(stage, measured);
      if (rate === undefined) return undefined;
      seconds += rate * Math.max(0, tally.unitsLeft - this.#unitsUnderWay(stage));
    }
    return seconds / this.#options.slots();
  }

  #commit(
    task: TaskNumber,
    { taskId, result }: { readonly taskId: TaskId; readonly result: ResultFacts },
  ): void {
    const tally = this.#tally(task);
    const units = this.#units(task);
    tally.run += 1;
    this.#ran.add(task);
    tally.seconds += result.seconds;
    tally.busySeconds += result.busySeconds;
    tally.unitsRun += units;
    const running = this.#running.get(taskId);
    tally.unitsWorked += units * (running === undefined ? 1 : shareOf(running, running.steps));
    tally.unitsLeft -= units;
  }

  #begin(task: TaskNumber, event: WorkerEvent & { kind: 'started' }): void {
    const { taskId, worker, slot, doneSteps: before = 0 } = event;
    const startMs = this.#options.nowMs();
    const running: Running = { task, slot, startMs, before, step: 0, steps: 0 };
    const place = placeOf(worker, slot);
    const last = this.#inSlots.get(place);
    if (last !== undefined) last.leftMs ??= startMs;
    this.#inSlots.set(place, running);
    this.#running.set(taskId, running);
  }

  #endSpan(taskId: TaskId, worker: string): void {
    const running = this.#running.get(taskId);
    if (running === undefined) return;
    this.#running.delete(taskId);
    const place = placeOf(worker, running.slot);
    if (this.#inSlots.get(place) === running) this.#inSlots.delete(place);
    if (this.spans.length >= SPANS_MAX) return;
    this.spans.push({
      stage: this.#stageOf(running.task),
      taskId,
      worker,
      slot: running.slot,
      startMs: running.startMs,
      endMs: running.leftMs ?? this.#options.nowMs(),
    });
  }

  /** What finished tasks took, and running ones so far. */
  get measured(): ReadonlyMap<Stage, MeasuredCost> {
    const measured = new Map<Stage, MeasuredCost>();
    for (const [stage, tally] of this.#stages) {
      const units = tally.unitsWorked + this.#unitsUnderWay(stage, { isOwnWork: true });
      if (units > 0)
        measured.set(stage, { seconds: tally.seconds + this.#secondsUnderWay(stage), units });
    }
    return measured;
  }

  #secondsUnderWay(stage: Stage): number {
    const now = this.#options.nowMs();
    return [...this.#running.values()]
      .filter(({ task, steps }) => steps > 0 && this.#stageOf(task) === stage)
      .reduce((sum, { startMs }) => sum + (now - startMs) / 1000, 0);
  }

  /** What is done of running tasks; `isOwnWork`: by these runs of them, not by earlier ones. */
  #unitsUnderWay(stage?: Stage, { isOwnWork = false } = {}): number {
    let units = 0;
    for (const running of this.#running.values()) {
      const { task, step, steps } = running;
      if (steps === 0 || (stage !== undefined && this.#stageOf(task) !== stage)) continue;
      units += this.#units(task) * (isOwnWork ? shareOf(running, step) : step / steps);
    }
    return units;
  }

  #units(task: TaskNumber): number {
    return costUnits(this.#options.graph.plan, this.#options.graph.ref(task));
  }

  #stageOf(task: TaskNumber): Stage {
    return this.#options.graph.stage(task);
  }

  #tally(task: TaskNumber): StageTally {
    return this.#stages.get(this.#stageOf(task))!;
  }
}

/** Of the task, that this run has done after so many steps; all of it where no step was told. */
function shareOf({ before, steps }: Running, step: number): number {
  return steps === 0 ? 1 : (step - before) / steps;
}

function placeOf(worker: string, slot: number): string {
  return `${worker}/${slot}`;
}
