// Pods as a kubelet would have them run, with a worker process on this machine for each: begun once the pod has a node, ready when the worker is,
// told to end when the pod is deleted, killed after its grace; the pod goes when the process has. Keeps what each ran when it was told.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { CoreV1Api } from '@kubernetes/client-node';
import type { V1Pod } from '@kubernetes/client-node';

import { isAlive } from '../../farm/farm-program.ts';
import type { ControlPlane } from '../plane/control-plane.ts';
import type { WorkerWord } from './sleeping-worker.ts';

const LOOK_MS = 100;

export interface PodWorkersOptions {
  readonly plane: ControlPlane;
  readonly namespace: string;
  /** Of the worker of a pod of this pool. */
  readonly argsOf: (name: string, pool: string) => readonly string[];
}

/** A worker that was told to end. */
export interface ToldWorker {
  readonly name: string;
  readonly atMs: number;
  /** Tasks that it had leases on then. */
  readonly running: number;
}

export class PodWorkers {
  readonly told = new Map<string, ToldWorker>();
  /** Those that got SIGKILL: they had not ended within the grace. */
  readonly killed = new Set<string>();
  readonly #options: PodWorkersOptions;
  readonly #core: CoreV1Api;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #leaving = new Set<string>();
  readonly #failures: unknown[] = [];

  constructor(options: PodWorkersOptions) {
    this.#options = options;
    this.#core = options.plane.api(CoreV1Api);
  }

  /** Processes that are there. */
  get size(): number {
    return this.#processes.size;
  }

  /** Until the signal aborts; then all are killed. @throws Error — a pod could not be acted */
  async follow(signal: AbortSignal): Promise<void> {
    const { namespace } = this.#options;
    while (!signal.aborted) {
      const { items } = await this.#core.listNamespacedPod({ namespace });
      for (const pod of items) {
        if (pod.metadata?.deletionTimestamp !== undefined) this.#end(pod);
        else if (pod.spec?.nodeName !== undefined) this.#begin(pod);
      }
      if (this.#failures.length > 0) break;
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    for (const child of this.#processes.values()) child.kill('SIGKILL');
    if (this.#failures.length > 0) throw new AggregateError(this.#failures, 'acting pods');
  }

  #begin({ metadata }: V1Pod): void {
    const name = metadata!.name!;
    if (this.#processes.has(name) || this.#leaving.has(name)) return;
    const args = this.#options.argsOf(name, metadata!.labels!['pool']!);
    const child = fork(join(import.meta.dirname, 'sleeping-worker.ts'), [...args], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#processes.set(name, child);
    child.on('message', (word: WorkerWord) => {
      if (word.kind === 'ready') void this.#doOrNote(() => this.#becomeReady(name));
      else this.told.set(name, { name, atMs: performance.now(), running: word.running });
    });
    child.once('exit', () => {
      this.#processes.delete(name);
      this.#leaving.add(name);
      // As a kubelet does it once the containers have ended.
      void this.#doOrNote(() => this.#remove(name));
    });
  }

  #end({ metadata }: V1Pod): void {
    const name = metadata!.name!;
    if (this.#leaving.has(name)) return;
    this.#leaving.add(name);
    const child = this.#processes.get(name);
    if (child === undefined) {
      void this.#doOrNote(() => this.#remove(name));
      return;
    }
    child.kill('SIGTERM');
    const graceMs = 1000 * (metadata!.deletionGracePeriodSeconds ?? 0);
    setTimeout(() => {
      if (!isAlive(child)) return;
      this.killed.add(name);
      child.kill('SIGKILL');
    }, graceMs).unref();
  }

  async #becomeReady(name: string): Promise<void> {
    const { namespace } = this.#options;
    const now = new Date().toISOString();
    const container = { name: 'main', image: 'worker', imageID: 'worker', ready: true };
    const running = { started: true, restartCount: 0, state: { running: { startedAt: now } } };
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: now };
    await this.#core.patchNamespacedPodStatus({
      ...{ name, namespace },
      body: [
        { op: 'add', path: '/status/phase', value: 'Running' },
        { op: 'add', path: '/status/conditions/-', value: ready },
        { op: 'add', path: '/status/containerStatuses', value: [{ ...container, ...running }] },
      ],
    });
  }

  async #remove(name: string): Promise<void> {
    const { namespace } = this.#options;
    await this.#core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
  }

  /** A pod that is gone already needs nothing. */
  async #doOrNote(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (reason) {
      if ((reason as { readonly code?: number }).code !== 404) this.#failures.push(reason);
    }
  }
}
