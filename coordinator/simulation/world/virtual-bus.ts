// The bus of a simulation: the coordinator's side as the real one has it, and the workers' side without promises. Leases have no
// timers: a worker that lives extends its own, so a lease lapses only when its worker has died, and the farm says when.

import type {
  CancelMessage,
  CoordinatorBus,
  TaskMessage,
  WorkerEvent,
} from '../../../common/bus/ports.ts';
import { keysOfTask, messageKey } from '../../../common/bus/message-key.ts';
import type { TaskId } from '../../../common/task.ts';
import { EventFeed } from './event-feed.ts';

/**
 * A published message until it ends.
 * - `waiting`: in its queue
 * - `leased`: a slot has it, or had it when its worker died
 * - `ended`: done, failed, or withdrawn
 */
export interface Letter {
  readonly message: TaskMessage;
  readonly queue: number;
  state: 'waiting' | 'leased' | 'ended';
  /** Of the lease. */
  slot: number;
  isCancelled: boolean;
  /** Times that it was given out. */
  deliveries: number;
}

/** The workers, as the bus sees them. */
export interface Takers {
  /** Whether some slot has taken it. */
  offer(letter: Letter): boolean;
  /** Told to stop what it runs. */
  stop(letter: Letter): void;
}

export class VirtualBus implements CoordinatorBus {
  readonly feed = new EventFeed();
  /** By key of the message. */
  readonly #letters = new Map<string, Letter>();
  readonly #queueNumbers = new Map<string, number>();
  readonly #waiting: WaitingLine[] = [];
  readonly #depths: number[] = [];
  #takers: Takers | undefined;

  /** Queues have numbers, from 0 in the order in which they are first heard of. */
  numberOf(queue: string): number {
    let number = this.#queueNumbers.get(queue);
    if (number === undefined) {
      number = this.#waiting.length;
      this.#queueNumbers.set(queue, number);
      this.#waiting.push(new WaitingLine());
      this.#depths.push(0);
    }
    return number;
  }

  attach(takers: Takers): void {
    this.#takers = takers;
  }

  async publish(queue: string, message: TaskMessage): Promise<void> {
    // One subject per message: a second of the same is the first.
    const key = messageKey(message);
    if (this.#letters.has(key)) return;
    const number = this.numberOf(queue);
    const letter: Letter = {
      message,
      queue: number,
      state: 'waiting',
      slot: -1,
      isCancelled: false,
      deliveries: 0,
    };
    this.#letters.set(key, letter);
    this.#depths[number] = this.#depths[number]! + 1;
    if (this.#takers?.offer(letter) !== true) this.#waiting[number]!.append(letter);
  }

  async depth(queue: string): Promise<number> {
    return this.#depths[this.numberOf(queue)]!;
  }

  async holds(_queue: string, taskId: TaskId): Promise<boolean> {
    return this.#letters.has(taskId);
  }

  events(signal: AbortSignal): AsyncIterable<WorkerEvent> {
    const { feed } = this;
    if (signal.aborted) feed.end();
    signal.addEventListener('abort', () => feed.end(), { once: true });
    return feed;
  }

  async cancel({ taskIds }: CancelMessage): Promise<void> {
    for (const key of taskIds.flatMap(keysOfTask)) {
      const letter = this.#letters.get(key);
      if (letter === undefined) continue;
      letter.isCancelled = true;
      if (letter.state === 'leased') this.#takers?.stop(letter);
      else this.end(letter);
    }
  }

  /** The message of this queue that has waited longest and is not kept from this worker; it is no longer in the queue. */
  take(queue: number, worker: string): Letter | undefined {
    return this.#waiting[queue]!.take(worker);
  }

  report(event: WorkerEvent): void {
    this.feed.push(event);
  }

  /** Never to be delivered again. */
  end(letter: Letter): void {
    if (letter.state === 'ended') return;
    letter.state = 'ended';
    this.#letters.delete(messageKey(letter.message));
    this.#depths[letter.queue] = this.#depths[letter.queue]! - 1;
  }

  /** The lease has lapsed: to be delivered again, before all others. */
  lapse(letter: Letter): void {
    if (letter.state !== 'leased') return;
    if (letter.isCancelled) {
      this.end(letter);
      return;
    }
    letter.state = 'waiting';
    if (this.#takers?.offer(letter) !== true) this.#waiting[letter.queue]!.putFirst(letter);
  }
}

/** Messages in the order of their publishing. Withdrawn ones are left in it and skipped. */
class WaitingLine {
  #letters: Letter[] = [];
  #first = 0;

  append(letter: Letter): void {
    this.#letters.push(letter);
  }

  putFirst(letter: Letter): void {
    if (this.#first === 0) this.#letters.unshift(letter);
    else {
      this.#first -= 1;
      this.#letters[this.#first] = letter;
    }
  }

  take(worker: string): Letter | undefined {
    this.#skipEnded();
    for (let index = this.#first; index < this.#letters.length; index += 1) {
      const letter = this.#letters[index]!;
      if (letter.state !== 'waiting' || isKeptFrom(letter, worker)) continue;
      if (index === this.#first) this.#first += 1;
      else this.#letters.splice(index, 1);
      this.#trim();
      return letter;
    }
    return undefined;
  }

  #skipEnded(): void {
    while (this.#first < this.#letters.length && this.#letters[this.#first]!.state !== 'waiting') {
      this.#first += 1;
    }
    this.#trim();
  }

  /** Lets go of what was taken, now and then, so that it costs nothing on the whole. */
  #trim(): void {
    if (this.#first < 1024 || this.#first * 2 < this.#letters.length) return;
    this.#letters = this.#letters.slice(this.#first);
    this.#first = 0;
  }
}

/** A worker that failed it shall not get it again. */
export function isKeptFrom({ message }: Letter, worker: string): boolean {
  return message.excludedWorkers.length > 0 && message.excludedWorkers.includes(worker);
}
