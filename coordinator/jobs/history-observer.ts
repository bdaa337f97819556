// Notes what a run of a job tells into the job's history. Changes nothing else.

import type { WorkerEvent } from '../../common/bus/ports.ts';
import { BivdiffError } from '../../common/errors.ts';
import { nameSource } from '../../common/sources/source-name.ts';
import type { SourceNames } from '../../common/sources/source-name.ts';
import type { TaskGraph, TaskNumber } from '../domain/task-graph.ts';
import type { JobHistory, TaskEventFacts } from './job-history.ts';
import type { JobObserver } from '../run/job-observer.ts';

export class HistoryObserver implements JobObserver {
  readonly #graph: TaskGraph;
  readonly #history: JobHistory;
  readonly #sources: SourceNames;

  /** `sources`: what the job's user calls them, where that is known. */
  constructor(graph: TaskGraph, history: JobHistory, sources: SourceNames = {}) {
    this.#graph = graph;
    this.#history = history;
    this.#sources = sources;
  }

  surveyed(): void {
    // What was found and what is missing shows in the job's counts.
  }

  event(task: TaskNumber, event: WorkerEvent): void {
    const { kind, worker } = event;
    switch (kind) {
      case 'started':
        this.#note(task, {
          ...{ kind: 'begun', worker, attempt: event.attempt },
          ...(event.doneSteps !== undefined && { doneSteps: event.doneSteps }),
        });
        break;
      case 'failed': {
        const error = BivdiffError.fromJSON(event.failure);
        const { code, message } = nameSource(error, this.#sources);
        // It was stopped or handed back, which is no failure.
        if (code === 'cancelled') break;
        this.#note(task, {
          kind: 'failed',
          ...{ worker, attempt: event.attempt, failure: { code, message } },
        });
        break;
      }
      case 'diverged':
        this.#note(task, { kind: 'diverged', worker, otherWorker: event.otherWorker });
        break;
      case 'committed':
      case 'progress':
    }
  }

  retried(task: TaskNumber, { delayMs }: { readonly delayMs: number }): void {
    this.#note(task, { kind: 'retried', delayMs });
  }

  lost(task: TaskNumber, worker: string): void {
    this.#note(task, { kind: 'lost', worker });
  }

  copied(task: TaskNumber, worker: string): void {
    this.#note(task, { kind: 'copied', worker });
  }

  healed(task: TaskNumber): void {
    this.#note(task, { kind: 'healed' });
  }

  #note(task: TaskNumber, facts: Omit<TaskEventFacts, 'taskId' | 'stage' | 'frames'>): void {
    const { plan } = this.#graph;
    const ref = this.#graph.ref(task);
    const last = plan.lastFrame(ref);
    const first = last - plan.frameCount(ref) + 1;
    this.#history.add({
      ...facts,
      taskId: plan.id(ref),
      stage: this.#graph.stage(task),
      frames: [first, last],
    });
  }
}
