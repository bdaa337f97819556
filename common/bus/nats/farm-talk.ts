// What the programs of a farm tell and ask each other besides tasks and their events: who is there, who shall leave, where a worker
// serves what it made. The coordinator alone hears the beats: workers ask it for what they need of each other.

import type { NatsConnection, Subscription } from '@nats-io/transport-node';

import { PROTOCOL_VERSION } from '../../protocol-version.ts';
import type { Digest } from '../../task.ts';
import type { LoadingQuestion, ServedAt, WorkerStatus } from '../../worker-status.ts';
import type { MalformedCounts } from './malformed-messages.ts';
import { decodeBeat, decodeNotice } from './messages/beats.ts';
import { decodeDrop, encodeDrops } from './messages/drops.ts';
import {
  decodeAddress,
  decodeAddressQuestion,
  decodeLoadingCost,
  decodeLoadingQuestion,
  encodeAddress,
  encodeAddressQuestion,
  encodeLoadingCost,
  encodeLoadingQuestion,
} from './messages/questions.ts';
import {
  ADDRESS_SUBJECT,
  DRAIN_SUBJECT,
  dropSubject,
  LOADING_SUBJECT,
  REST_SUBJECT,
  VERSION_SUBJECT,
  WORKER_SUBJECT,
} from './subjects.ts';

/** Answers spare work, and nothing depends on them. */
const ANSWER_MS = 1_000;

export interface FarmLine {
  readonly connection: NatsConnection;
  readonly malformed: MalformedCounts;
}

/** The coordinator's side. */
export class CoordinatorTalk {
  readonly #line: FarmLine;

  constructor(line: FarmLine) {
    this.#line = line;
  }

  /** Every worker's beat, of every version. */
  onBeat(take: (status: WorkerStatus) => void): void {
    listen(this.#line, WORKER_SUBJECT, { kind: 'beat', read: decodeTextWith(decodeBeat), take });
  }

  /** This worker shall finish what it runs and take no more. */
  drain(worker: string): void {
    this.#line.connection.publish(DRAIN_SUBJECT, worker);
  }

  /** This worker shall take no tasks for `REST_SECONDS`, if it has none now: so that it can be removed. Its beats say whether it does. */
  rest(worker: string): void {
    this.#line.connection.publish(REST_SUBJECT, worker);
  }

  /** Nobody needs these results any more that this worker holds. At most once: it lets go of them anyway when it has no room. */
  dropHeld(worker: string, digests: readonly Digest[]): void {
    const { connection } = this.#line;
    if (connection.isClosed()) return;
    for (const payload of encodeDrops(digests)) connection.publish(dropSubject(worker), payload);
  }

  /** This worker speaks another version, and gets no tasks. */
  tellVersion(worker: string): void {
    const notice = JSON.stringify({ worker, protocol: PROTOCOL_VERSION });
    this.#line.connection.publish(VERSION_SUBJECT, notice);
  }

  answerAddresses(find: (worker: string) => ServedAt | undefined): void {
    answer(this.#line, ADDRESS_SUBJECT, {
      ...{ kind: 'question for an address', read: decodeAddressQuestion },
      reply: (worker) => encodeAddress(find(worker)),
    });
  }

  answerLoading(costOf: (question: LoadingQuestion) => number): void {
    answer(this.#line, LOADING_SUBJECT, {
      ...{ kind: 'question for loading', read: decodeLoadingQuestion },
      reply: (question) => encodeLoadingCost(costOf(question)),
    });
  }
}

/** A worker's side. */
export class WorkerTalk {
  readonly #line: FarmLine;
  readonly #name: string;

  constructor(line: FarmLine, name: string) {
    this.#line = line;
    this.#name = name;
  }

  beat(status: WorkerStatus): void {
    this.#line.connection.publish(WORKER_SUBJECT, JSON.stringify(status));
  }

  onDrain(drain: () => void): void {
    const take = (worker: string): void => {
      if (worker === this.#name) drain();
    };
    listen(this.#line, DRAIN_SUBJECT, { kind: 'drain', read: decodeTextWith(String), take });
  }

  onRest(rest: () => void): void {
    const take = (worker: string): void => {
      if (worker === this.#name) rest();
    };
    listen(this.#line, REST_SUBJECT, { kind: 'rest', read: decodeTextWith(String), take });
  }

  onDropHeld(take: (digests: readonly Digest[]) => void): void {
    listen(this.#line, dropSubject(this.#name), { kind: 'drop', read: decodeDrop, take });
  }

  /** The coordinator speaks this version, and gives this worker no tasks. */
  onOtherVersion(take: (protocol: number) => void): void {
    listen(this.#line, VERSION_SUBJECT, {
      ...{ kind: 'notice of a version', read: decodeTextWith(decodeNotice) },
      take: ({ worker, protocol }) => {
        if (worker === this.#name && protocol !== PROTOCOL_VERSION) take(protocol);
      },
    });
  }

  /** Where another worker serves what it made; undefined if nobody says so. */
  async addressOf(worker: string): Promise<ServedAt | undefined> {
    return ask(this.#line, ADDRESS_SUBJECT, encodeAddressQuestion(worker), decodeAddress);
  }

  /** As `LoadingCostResponse`; 0 if nobody says so. */
  async loadingCost(question: LoadingQuestion): Promise<number> {
    const bytes = encodeLoadingQuestion(question);
    return (await ask(this.#line, LOADING_SUBJECT, bytes, decodeLoadingCost)) ?? 0;
  }
}

interface Listening<T> {
  /** Of message, for whoever is told that one fits no schema. */
  readonly kind: string;
  readonly read: (bytes: Uint8Array) => T;
  readonly take: (message: T) => void;
}

function listen<T>(
  { connection, malformed }: FarmLine,
  subject: string,
  { kind, read, take }: Listening<T>,
): Subscription {
  return connection.subscribe(subject, {
    callback: (error, msg) => {
      if (error !== null) return;
      const message = malformed.read(kind, () => read(msg.data));
      if (message !== undefined) take(message);
    },
  });
}

interface Answering<T> {
  readonly kind: string;
  readonly read: (bytes: Uint8Array) => T;
  readonly reply: (question: T) => Uint8Array;
}

function answer<T>(
  { connection, malformed }: FarmLine,
  subject: string,
  { kind, read, reply }: Answering<T>,
): void {
  connection.subscribe(subject, {
    callback: (error, msg) => {
      if (error !== null) return;
      const question = malformed.read(kind, () => read(msg.data));
      if (question !== undefined) msg.respond(reply(question));
    },
  });
}

async function ask<T>(
  { connection, malformed }: FarmLine,
  subject: string,
  question: Uint8Array,
  read: (bytes: Uint8Array) => T,
): Promise<T | undefined> {
  try {
    const { data } = await connection.request(subject, question, { timeout: ANSWER_MS });
    return malformed.read('answer', () => read(data));
  } catch {
    // The coordinator is away.
    return undefined;
  }
}

function decodeTextWith<T>(read: (text: string) => T): (bytes: Uint8Array) => T {
  return (bytes) => read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
}
