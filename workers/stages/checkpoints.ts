// The checkpoint of a long task, in the store: where it stands, so that whoever runs it next goes on from there. It is a result record
// like any other, under an id of its own: the same steps of the same task give the same bits, whoever takes them. Only the newest is
// kept. It is a courtesy: what goes wrong with it costs the steps that it would have saved.

import { setTimeout as delay } from 'node:timers/promises';

import { digestText } from '../../common/digest.ts';
import { passFailurePoint } from '../../common/failure-points/failure-point.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef, ResultRecord, Task, TaskId } from '../../common/task.ts';
import { floatsOf } from './float-tensors.ts';
import type { Checkpoint } from '../inference/ports.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { StageRunnerOptions } from './stage-environment.ts';

/** A slot does not stand still for it. */
const SETTLE_MS = 2_000;

/** Records do not change, so a task has two places: the next is written into one before the last goes from the other. */
export type Place = 0 | 1;
const PLACES: readonly Place[] = [0, 1];

/** Under which a checkpoint of the task is kept. */
export function checkpointIdOf(taskId: TaskId, place: Place): TaskId {
  return digestText(`checkpoint ${place} ${taskId}`) as string as TaskId;
}

type CheckpointOptions = Pick<StageRunnerOptions, 'store' | 'worker' | 'onCheckpoint'>;

export class TaskCheckpoints {
  /** Whether there may be one in the store. */
  hasAny = false;
  readonly #store: Store;
  readonly #task: Task;
  readonly #worker: string;
  readonly #onCheckpoint: CheckpointOptions['onCheckpoint'];
  /** Where the newest is. */
  #last: Place | undefined;
  #next: Checkpoint | undefined;
  #writing: Promise<void> | undefined;

  constructor({ store, worker, onCheckpoint }: CheckpointOptions, task: Task) {
    this.#store = store;
    this.#task = task;
    this.#worker = worker;
    this.#onCheckpoint = onCheckpoint;
  }

  /** The newest that an earlier run of the task has left, checked. Never fails. */
  async find(): Promise<Checkpoint | undefined> {
    const places = PLACES.map(async (place) => ({ place, record: await this.#recordAt(place) }));
    const found = (await Promise.all(places)).filter(({ record }) => record !== undefined);
    this.hasAny = found.length > 0;
    const newestFirst = found.sort((a, b) => b.record!.doneSteps! - a.record!.doneSteps!);
    for (const { place, record } of newestFirst) {
      try {
        const tensors = await this.#tensorsOf(record!);
        this.#last = place;
        return { doneSteps: record!.doneSteps!, tensors };
      } catch {
        // Damaged, or collected.
      }
    }
    return undefined;
  }

  /** Writes it in its own time. While one is being written the newest waits, and those before it are left out. */
  save(checkpoint: Checkpoint): void {
    this.#next = checkpoint;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Once what was to be saved is, or cannot be; a store that does not answer is not waited for long. */
  async settled(): Promise<void> {
    if (this.#writing === undefined) return;
    const gaveUp = new AbortController();
    const patience = delay(SETTLE_MS, undefined, { signal: gaveUp.signal }).catch(() => undefined);
    await Promise.race([this.#writing, patience]);
    gaveUp.abort();
  }

  /** It shall not be gone on from. */
  async drop(): Promise<void> {
    await this.settled();
    if (!this.hasAny) return;
    const { id } = this.#task;
    const drops = PLACES.map((place) => this.#store.dropRecord(checkpointIdOf(id, place)));
    await Promise.allSettled(drops);
  }

  async #writeAll(): Promise<void> {
    while (this.#next !== undefined) {
      const checkpoint = this.#next;
      this.#next = undefined;
      const outcome = await this.#write(checkpoint).then(
        () => 'written' as const,
        () => 'failed' as const,
      );
      this.#onCheckpoint?.(outcome);
    }
  }

  async #write({ doneSteps, tensors }: Checkpoint): Promise<void> {
    const store = this.#store;
    const outputs: Record<string, readonly ArtifactRef[]> = {};
    for (const [name, { data, shape }] of Object.entries(tensors)) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const digest = await store.putArtifact(bytes);
      outputs[name] = [{ digest, bytes: bytes.length, type: 'tensor/float32', shape }];
    }
    const { id, stage, numericsClass } = this.#task;
    const last = this.#last;
    const place: Place = last === 0 ? 1 : 0;
    const taskId = checkpointIdOf(id, place);
    this.hasAny = true;
    // Of a worker that was slower, if there is one.
    await store.dropRecord(taskId);
    await store.putRecord({
      ...{ taskId, stage, outputs, numericsClass, doneSteps, worker: this.#worker },
      ...{ attempt: 0, startedAt: new Date().toISOString(), seconds: 0, busySeconds: 0 },
    });
    passFailurePoint('checkpoint-put', stage);
    this.#last = place;
    if (last !== undefined) await store.dropRecord(checkpointIdOf(id, last));
  }

  async #recordAt(place: Place): Promise<ResultRecord | undefined> {
    const id = checkpointIdOf(this.#task.id, place);
    const record = await this.#store.getRecord(id).catch(() => undefined);
    return record?.doneSteps === undefined ? undefined : record;
  }

  async #tensorsOf({ outputs }: ResultRecord): Promise<Checkpoint['tensors']> {
    const read = Object.entries(outputs).map(async ([name, [ref]]) => {
      const values = floatsOf(await this.#store.getArtifact(ref!.digest));
      return [name, floatTensor(ref!.shape!, values)] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  }
}
