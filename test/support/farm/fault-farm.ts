// A farm of real processes that tests may break: nats-server, coordinator, workers; and an observer that writes down every task
// message and every event, without answering any.

import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';

import { FarmClient } from '../../../cli/farm/farm-client.ts';
import { startNatsServer } from '../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../cli/programs/nats-server.ts';
import {
  EVENT_SUBJECT,
  PROGRESS_SUBJECT,
  queueSubjects,
} from '../../../common/bus/nats/subjects.ts';
import type { TaskMessage, WorkerEvent } from '../../../common/bus/ports.ts';
import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Digest, Pool, Stage, TaskId } from '../../../common/task.ts';
import { endOfCli, startCli } from '../cli-process.ts';
import { unexplainedStarts } from './extra-starts.ts';
import type { Blow, SeenEvent } from './extra-starts.ts';
import { checkEvents, linesOf, startsIn, unfinishedIn } from './farm-history.ts';
import { killed, startProgram } from './farm-program.ts';
import type { Program, Surroundings } from './farm-program.ts';
import { freePort } from '../network/ports.ts';
import { queueHere } from './queue-here.ts';
import { JOB_FLAGS, sha256Of } from '../reference.ts';

/** Longest that a job may take in a fault test, recovery included. */
const JOB_MS = 120_000;

/** What a worker serves, and where it runs. */
export interface WorkerPlace extends Surroundings {
  /** @default all */
  readonly pools?: readonly Pool[];
}

export interface FarmOptions {
  /** @default 2 */
  readonly workers?: number;
  /** Given the farm's own folder: where all its programs run. */
  readonly surroundings?: (folder: string) => Promise<Surroundings>;
  /** Given the coordinator's HOST:PORT: where the workers run, where that differs. */
  readonly ofWorkers?: (server: string) => Surroundings;
}

export class FaultFarm {
  readonly folder: string;
  readonly nats: NatsServer;
  readonly workers = new Map<string, Program>();
  /** Every event of a worker, in the order in which it was seen. */
  readonly events: SeenEvent[] = [];
  readonly client: FarmClient;
  coordinator: Program | undefined;
  readonly #port: number;
  readonly #surroundings: Surroundings;
  readonly #ofWorkers: (server: string) => Surroundings;
  readonly #observer: NatsConnection;
  readonly #programs: Program[] = [];
  readonly #listeners = new Set<(event: WorkerEvent) => void>();
  readonly #blows: Blow[] = [];

  private constructor(parts: {
    folder: string;
    nats: NatsServer;
    port: number;
    observer: NatsConnection;
    surroundings: Surroundings;
    ofWorkers: (server: string) => Surroundings;
  }) {
    this.folder = parts.folder;
    this.nats = parts.nats;
    this.#port = parts.port;
    this.#observer = parts.observer;
    this.#surroundings = parts.surroundings;
    this.#ofWorkers = parts.ofWorkers;
    this.client = new FarmClient(`127.0.0.1:${parts.port}`);
    for (const subject of [EVENT_SUBJECT, PROGRESS_SUBJECT]) {
      this.#observer.subscribe(subject, {
        callback: (error, msg) => {
          if (error === null) for (const event of msg.json<WorkerEvent[]>()) this.#note(event);
        },
      });
    }
  }

  static async start(options: FarmOptions = {}): Promise<FaultFarm> {
    const { workers = 2, ofWorkers = () => ({}) } = options;
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-fault-'));
    const surroundings = (await options.surroundings?.(folder)) ?? {};
    const nats = await startNatsServer();
    const observer = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    const farm = new FaultFarm({
      ...{ folder, nats, port: await freePort() },
      ...{ observer, surroundings, ofWorkers },
    });
    farm.startCoordinator();
    for (let i = 1; i <= workers; i += 1) farm.startWorker(`w${i}`);
    await farm.seesWorkers(workers);
    return farm;
  }

  get store(): string {
    return join(this.folder, 'store');
  }

  get server(): string {
    return `127.0.0.1:${this.#port}`;
  }

  startCoordinator(port = this.#port, place: Surroundings = {}, more: string[] = []): Program {
    const args = ['coordinator', '--listen', `127.0.0.1:${port}`, ...more];
    const program = this.#start('coordinator', args, place);
    if (port === this.#port) this.coordinator = program;
    return program;
  }

  startWorker(
    name: string,
    more: readonly string[] = [],
    { pools = ['idm', 'mixer', 'vdm'], ...surroundings }: WorkerPlace = {},
  ): Program {
    const served = pools.flatMap((pool) => ['--pool', pool]);
    const args = ['worker', '--name', name, '--threads', '1', ...served, ...more];
    const program = this.#start(name, args, { ...this.#ofWorkers(this.server), ...surroundings });
    this.workers.set(name, program);
    return program;
  }

  /** Waits until the coordinator knows of so many workers. */
  async seesWorkers(count: number): Promise<void> {
    await this.until(`the coordinator sees ${count} workers`, async () => {
      return (await this.client.workers()).workers.length === count;
    });
  }

  /** Puts the job on the farm and gives its id. */
  async submit(flags: readonly string[] = JOB_FLAGS): Promise<string> {
    const run = await endOfCli(startCli(['submit', ...flags, '--server', this.server, '--json']));
    expect(run.code, run.stderr).toBe(0);
    return (JSON.parse(run.stdout) as { job: string }).job;
  }

  /** The next event, from now on, that fits. */
  next(fits: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listen);
        reject(new Error(`no such event came; seen: ${JSON.stringify(this.history())}`));
      }, JOB_MS);
      const listen = (event: WorkerEvent): void => {
        if (!fits(event)) return;
        clearTimeout(timer);
        this.#listeners.delete(listen);
        resolve(event);
      };
      this.#listeners.add(listen);
    });
  }

  started(stage: Stage): Promise<WorkerEvent> {
    return this.next((event) => event.kind === 'started' && event.stage === stage);
  }

  /** The next task of this stage, as soon as it is published: before any worker has it. */
  published(stage: Stage): Promise<TaskId> {
    return new Promise((resolve) => {
      // One message: who listens for longer hides from publishers that the stream is gone.
      this.#observer.subscribe(queueSubjects(queueHere(stage)), {
        max: 1,
        callback: (_, msg) => {
          resolve(msg.json<TaskMessage>().task.id);
        },
      });
    });
  }

  /** This worker is in the middle of a task of several steps, now, and not near its end. */
  inTheMiddle(worker: string): Promise<WorkerEvent> {
    return this.next(
      (event) =>
        event.kind === 'progress' && event.worker === worker && 2 * event.step <= event.steps,
    );
  }

  /** Waits for the job's end, which must be a good one, and gives the SHA-256 of its video. */
  async finish(id: string, limitMs = JOB_MS): Promise<string> {
    let job: Job | undefined;
    const isOver = async (): Promise<boolean> => {
      job = await this.client.get(id);
      return ['done', 'failed', 'cancelled'].includes(job.state);
    };
    await this.until(`job ${id} is over`, isOver, limitMs);
    expect(job?.state, JSON.stringify(job?.failure)).toBe('done');
    const path = join(this.folder, `${id}.mp4`);
    await this.client.getArtifactFile(job!.outputs[0]!.artifacts[0]!.digest as Digest, path);
    return sha256Of(path);
  }

  /** Whether the task's result is in the store. */
  async hasRecord(taskId: TaskId, store = this.store): Promise<boolean> {
    const path = join(store, 'records', taskId.slice(0, 2), `${taskId}.json`);
    return access(path).then(
      () => true,
      () => false,
    );
  }

  /** What this worker has begun and said no end of. */
  unfinished(worker: string): readonly TaskId[] {
    return unfinishedIn(this.events, worker);
  }

  history(): readonly string[] {
    return linesOf(this.events);
  }

  starts(): ReadonlyMap<TaskId, number> {
    return startsIn(this.events);
  }

  /** Workers that have begun a task. */
  starters(): ReadonlySet<string> {
    const starts = this.events.filter(({ kind }) => kind === 'started');
    return new Set(starts.map(({ worker }) => worker));
  }

  /** Says before it is done that a blow falls, and what it explains; a worker that ends itself may be told of afterwards. */
  strikes(blow: Omit<Blow, 'atMs'>): void {
    this.#blows.push({ ...blow, atMs: performance.now() });
  }

  /** SIGKILL. */
  async killWorker(name: string): Promise<void> {
    this.strikes({ kind: 'loses', worker: name });
    await killed(this.workers.get(name)!.child);
  }

  /** One result of each task; and nothing begun that no blow explains, or at most so many starts more than there are tasks. */
  checkHistory(bounds?: { readonly extraStartsMax: number }): void {
    checkEvents(this.events, bounds);
    if (bounds !== undefined) return;
    const starts = unexplainedStarts(this.events, this.#blows);
    expect(starts, this.history().join('\n')).toEqual([]);
  }

  async until(what: string, isSo: () => Promise<boolean>, limitMs = JOB_MS): Promise<void> {
    const deadline = performance.now() + limitMs;
    let last: unknown;
    while (performance.now() < deadline) {
      try {
        if (await isSo()) return;
      } catch (reason) {
        last = reason;
      }
      await delay(100);
    }
    const logs = this.#programs.map(({ name, log }) => `${name}: ${log().slice(-1500)}`).join('\n');
    throw new Error(
      `waited in vain until ${what}; ${String(last)}\n${this.history().slice(-20).join('\n')}\n${logs}`,
    );
  }

  async close(): Promise<void> {
    this.client.close();
    for (const { child } of this.#programs) await killed(child);
    await this.#observer.close();
    await this.nats.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #note(event: WorkerEvent): void {
    this.events.push({ ...event, seenMs: performance.now() });
    for (const listen of [...this.#listeners]) listen(event);
  }

  #start(name: string, args: readonly string[], more: Surroundings): Program {
    const surroundings = { ...this.#surroundings, ...more };
    const { nats = this.nats.url, store = this.store } = surroundings;
    const program = startProgram(name, [...args, '--nats', nats, '--store', store], surroundings);
    this.#programs.push(program);
    return program;
  }
}
