// The sessions that one lane keeps loaded: the most recently used ones that fit its budget, with what their runs take. Knows nothing of stages or
// roles.

import { TAKING_TURNS } from '../../../common/models/graph-form.ts';
import type { GraphForm } from '../../../common/models/graph-form.ts';
import { FREE_WEIGHTS_SHARE } from '../../../common/models/graph-memory.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type { Digest } from '../../../common/task.ts';
import type { LaneLoad, LaneModel, LaneSettings } from './lane-job.ts';
import { cutGraph, cutWeightBytes } from '../onnx/cut-graph.ts';
import { openOnnxSession } from '../onnx/onnx-session.ts';
import type { OnnxSession } from '../onnx/onnx-session.ts';

interface Entry {
  readonly digest: Digest;
  readonly session: Promise<OnnxSession>;
  /** Of its weights, loaded. */
  readonly bytes: number;
  /** Of its largest run, which ONNX Runtime keeps for the next ones; 0 before the first. */
  runBytes: number;
  /** Calls of `use` that are under way: it must not be released. */
  users: number;
  loaded: OnnxSession | undefined;
  /** That loading took; 0 until it is loaded. */
  loadMs: number;
}

/**
 * Loads on first use, keeps while the budget lasts, releases the least recently used first. The budget counts weights as
 * loaded and what runs are said to need, not what loading takes for a moment. Only sessions in use at one time may pass it together,
 * until they are not.
 */
export class SessionCache {
  readonly #settings: LaneSettings;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  /** Of each model that was asked about, which are few. */
  readonly #hasRoom = new Map<string, boolean>();
  #releasedBusySeconds = 0;

  constructor(settings: LaneSettings) {
    this.#settings = settings;
  }

  /** Time inside ONNX Runtime's run, over all sessions there ever were. */
  get busySeconds(): number {
    let seconds = this.#releasedBusySeconds;
    for (const { loaded } of this.#entries.values()) seconds += loaded?.busySeconds ?? 0;
    return seconds;
  }

  get load(): LaneLoad {
    let loadedBytes = 0;
    const warm: Record<Digest, number> = {};
    for (const { bytes, digest, loadMs } of this.#entries.values()) {
      loadedBytes += bytes;
      // Of a graph and what is made of it, all that loading took.
      warm[digest] = (warm[digest] ?? 0) + loadMs;
    }
    return { warm, loadedBytes };
  }

  /**
   * Calls `work` with the loaded session, which is valid until `work` ends.
   * @throws resource-exhausted — its weights alone pass the budget
   */
  async use<T>(model: LaneModel, work: (session: OnnxSession) => Promise<T>): Promise<T> {
    const entry = this.#acquire(model);
    try {
      return await work(await entry.session);
    } finally {
      entry.users -= 1;
      // Not what was just used, however much its runs take: it will most likely be used again.
      await this.#release(this.#takeIdle(this.#missingFor(0), keyOf(model)));
    }
  }

  /** Whether it can be made of the model's graph, and the weights of both leave room for what runs take. */
  hasRoomFor(model: LaneModel, form: GraphForm): boolean {
    const key = keyOf({ ...model, form });
    let known = this.#hasRoom.get(key);
    if (known === undefined) {
      const graph = graphOf(model);
      const made = cutWeightBytes(graph, form) ?? Infinity;
      known =
        readOnnxFile(graph).weightBytes + made <=
        FREE_WEIGHTS_SHARE * this.#settings.memoryLimitBytes;
      this.#hasRoom.set(key, known);
    }
    return known;
  }

  /** What the budget leaves for a run beside the weights of a model that is in use; nothing else may be loaded then but what takes turns with it. */
  roomBeside(model: LaneModel): number {
    const forms = TAKING_TURNS.includes(model.form) ? TAKING_TURNS : [model.form];
    const held = forms.flatMap((form) => this.#entries.get(keyOf({ ...model, form })) ?? []);
    const weights = held.reduce((sum, { bytes }) => sum + bytes, 0);
    return (this.#settings.memoryLimitBytes - weights) / held.length;
  }

  /** To be called before a run of a model in use that takes so many bytes: releases others, as far as that is needed and they are idle. */
  async makeRoom(model: LaneModel, runBytes: number): Promise<void> {
    const entry = this.#entries.get(keyOf(model))!;
    entry.runBytes = Math.max(entry.runBytes, runBytes);
    await this.#release(this.#takeIdle(this.#missingFor(0)));
  }

  /** Releases those of the models, and of what is made of them, that no work uses. */
  async drop(digests: readonly Digest[]): Promise<void> {
    const dropped = [...this.#entries].filter(([, { digest }]) => digests.includes(digest));
    await this.#release(dropped.flatMap(([key, entry]) => this.#takeOut(key, entry) ?? []));
  }

  /** Releases all that no work uses. */
  async clear(): Promise<void> {
    await this.#release(this.#takeIdle(Infinity));
  }

  /** Without a pause inside, so that two calls for one model share its entry and none evicts it in between. */
  #acquire(model: LaneModel): Entry {
    const key = keyOf(model);
    const entry = this.#entries.get(key) ?? this.#load(model);
    entry.users += 1;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #load(model: LaneModel): Entry {
    const graph = graphOf(model);
    const { digest, form } = model;
    const { weightBytes } = form === undefined ? readOnnxFile(graph) : cutGraph(graph, form);
    this.#checkBudget(model, weightBytes);
    const evicted = this.#takeIdle(this.#missingFor(weightBytes));
    let begunMs = 0;
    const session = this.#release(evicted).then(() => {
      begunMs = performance.now();
      return this.#open(model, graph);
    });
    const entry: Entry = {
      ...{ digest, session, bytes: weightBytes },
      ...{ runBytes: 0, users: 0, loaded: undefined, loadMs: 0 },
    };
    session.then(
      (loaded) => {
        entry.loaded = loaded;
        entry.loadMs = Math.ceil(performance.now() - begunMs);
      },
      () => {
        if (this.#entries.get(keyOf(model)) === entry) this.#entries.delete(keyOf(model));
      },
    );
    return entry;
  }

  async #open({ name, digest, form }: LaneModel, graph: string): Promise<OnnxSession> {
    const { threads, executionProviders } = this.#settings;
    return openOnnxSession({ name, digest, graph, form, threads, executionProviders });
  }

  #checkBudget(model: LaneModel, bytes: number): void {
    const limit = this.#settings.memoryLimitBytes;
    if (bytes <= limit) return;
    throw new BivdiffError(
      'resource-exhausted',
      `${model.name} needs ${mebibytes(bytes)} for its weights; this lane may use ${mebibytes(limit)}`,
      {
        retry: 'other-worker',
        hint: 'Use fewer lanes or raise the memory limit of the worker.',
        details: { model: model.name, bytes, limit },
      },
    );
  }

  /** What the budget lacks for so many bytes more; negative if it has them. */
  #missingFor(bytes: number): number {
    let held = 0;
    for (const entry of this.#entries.values()) held += entry.bytes + entry.runBytes;
    return held + bytes - this.#settings.memoryLimitBytes;
  }

  /** Takes out entries that no work uses, least recently used first, until `bytes` are free or none is left. */
  #takeIdle(bytes: number, kept?: string): readonly OnnxSession[] {
    const taken: OnnxSession[] = [];
    let missing = bytes;
    for (const [key, entry] of [...this.#entries]) {
      if (missing <= 0) break;
      const session = key === kept ? undefined : this.#takeOut(key, entry);
      if (session === undefined) continue;
      taken.push(session);
      missing -= entry.bytes + entry.runBytes;
    }
    return taken;
  }

  /** Its session, which is no longer kept; undefined, and nothing changes, where work uses it or it is not loaded yet. */
  #takeOut(key: string, { users, loaded }: Entry): OnnxSession | undefined {
    if (users > 0 || loaded === undefined) return undefined;
    this.#entries.delete(key);
    return loaded;
  }

  async #release(sessions: readonly OnnxSession[]): Promise<void> {
    for (const session of sessions) {
      this.#releasedBusySeconds += session.busySeconds;
      await session.release();
    }
  }
}

/** A graph and what is made of it are sessions of their own. */
function keyOf({ digest, form }: LaneModel): string {
  return form === undefined ? digest : `${digest} ${form}`;
}

function graphOf(model: LaneModel): string {
  if (model.graph !== undefined) return model.graph;
  throw new BivdiffError('failed-precondition', `${model.name} has no graph to run`, {
    retry: 'never',
    hint: 'Run `bivdiff models check` on the model folder.',
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
