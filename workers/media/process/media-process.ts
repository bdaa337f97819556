// The parent's side of one media process: starts it, talks to it, waits no longer than allowed, and turns
// its death into an error. Knows nothing of what is asked.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { BivdiffError } from '../../../common/errors.ts';
import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../../common/node-flags.ts';
import { saysOutOfMemory } from '../media-errors.ts';
import type { ChildMessage, MediaRequest, ParentMessage } from './media-protocol.ts';
import { MessageQueue } from './message-queue.ts';
import { limitAddresses } from './limit-addresses.ts';

export interface MediaProcessOptions {
  /** Of JavaScript's heap. Pictures and codecs live outside it. */
  readonly heapMiB: number;
  /** Of all that the process may address, on Linux; reserved and unused memory counts too. */
  readonly addressMiB: number;
  /** How long the process may say nothing while it is waited for. */
  readonly silenceMs: number;
}

/** One process at most; starts it when it is first needed and again after it was killed. One request at a time. */
export class MediaProcess {
  readonly #options: MediaProcessOptions;
  #child: ChildProcess | undefined;
  #inbox = new MessageQueue<ChildMessage>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: MediaProcessOptions) {
    this.#options = options;
  }

  /** Of the running process. */
  get processId(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process before it is needed. */
  start(): void {
    if (this.#child !== undefined) return;
    this.#child = this.#start();
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Waits for its turn, then opens an exchange; the caller must dispose of it. @throws cancelled */
  async open(request: MediaRequest, signal?: AbortSignal): Promise<Exchange> {
    const before = this.#turn;
    let endTurn = (): void => undefined;
    this.#turn = new Promise((resolve) => (endTurn = resolve));
    await before;
    try {
      if (signal?.aborted) throw cancelled(request);
      const child = (this.#child ??= this.#start());
      child.ref();
      child.channel?.ref();
      return new Exchange({
        request,
        child,
        inbox: this.#inbox,
        silenceMs: this.#options.silenceMs,
        kill: (reason) => this.#kill(reason),
        release: () => {
          child.unref();
          child.channel?.unref();
          endTurn();
        },
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (reason) {
      endTurn();
      throw reason;
    }
  }

  /** Ends the process at once, and waits until it is gone. What runs in it fails. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    this.#kill(new BivdiffError('cancelled', 'the media process was closed'));
    child.ref();
    await gone;
  }

  #start(): ChildProcess {
    const extension = path.extname(import.meta.filename);
    const file = path.join(import.meta.dirname, `media-child${extension}`);
    const nodeOptions = [
      `--max-old-space-size=${this.#options.heapMiB}`,
      // It would reserve 10 GiB of addresses for each module.
      '--disable-wasm-trap-handler',
      ...NODE_FLAGS,
    ];
    const [execPath = process.execPath, ...execArgv] = [
      ...limitAddresses(this.#options.addressMiB),
      process.execPath,
      ...nodeOptions,
    ];
    const child = fork(file, [], {
      execPath,
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Secrets of the program have no place in a process that reads untrusted files.
      env: { TZ: 'UTC', ...NODE_ENVIRONMENT },
    });
    const inbox = new MessageQueue<ChildMessage>();
    this.#inbox = inbox;
    let complaints = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-2000);
    });
    child.on('message', (message) => inbox.push(message as ChildMessage));
    child.on('error', (error) => inbox.fail(error));
    child.on('exit', (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      inbox.fail(new ChildDeath(code, signal, complaints));
    });
    return child;
  }

  #kill(reason: BivdiffError): void {
    this.#inbox.fail(reason);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

class ChildDeath extends Error {
  readonly how: string;
  readonly outOfMemory: boolean;

  constructor(code: number | null, signal: string | null, complaints: string) {
    super(complaints.trim() || 'it said nothing');
    this.how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    // The kernel's out-of-memory killer sends SIGKILL; V8 aborts with these words.
    this.outOfMemory = signal === 'SIGKILL' || saysOutOfMemory(complaints);
  }
}

interface ExchangeParts {
  readonly request: MediaRequest;
  readonly child: ChildProcess;
  readonly inbox: MessageQueue<ChildMessage>;
  readonly silenceMs: number;
  readonly kill: (reason: BivdiffError) => void;
  readonly release: () => void;
  readonly signal?: AbortSignal;
}

/**
 * One request and what is said about it. Disposed of before its end, it kills the process, which cannot be interrupted
 * otherwise.
 */
export class Exchange implements Disposable {
  readonly #parts: ExchangeParts;
  #ended = false;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    parts.signal?.addEventListener('abort', this.#abort);
    this.send({ kind: 'start', request: parts.request });
  }

  send(message: ParentMessage): void {
    // A failure to send shows as the process's death at the next read.
    this.#parts.child.send(message, () => undefined);
  }

  /** The next message but `failed`, which is thrown. @throws deadline-exceeded @throws cancelled */
  async next(): Promise<Exclude<ChildMessage, { kind: 'failed' }>> {
    const { inbox, silenceMs, request, kill } = this.#parts;
    const timer = setTimeout(() => {
      const seconds = silenceMs / 1000;
      kill(
        new BivdiffError('deadline-exceeded', `${doing(request)}: no answer for ${seconds} s`, {
          hint: 'The file may be made to stall its reader, or the machine is overloaded.',
        }),
      );
    }, silenceMs);
    try {
      const message = await inbox.next();
      if (message.kind === 'done' || message.kind === 'failed') this.#ended = true;
      if (message.kind === 'failed') throw BivdiffError.fromJSON(message.failure);
      return message;
    } catch (reason) {
      throw reason instanceof ChildDeath
        ? errorOfDeath(reason, request)
        : BivdiffError.from(reason);
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#parts.signal?.removeEventListener('abort', this.#abort);
    if (!this.#ended) this.#parts.kill(cancelled(this.#parts.request));
    this.#parts.release();
  }

  readonly #abort = (): void => this.#parts.kill(cancelled(this.#parts.request));
}

function errorOfDeath(death: ChildDeath, request: MediaRequest): BivdiffError {
  const message = `${doing(request)}: the media process died (${death.how})`;
  if (death.outOfMemory) {
    return new BivdiffError('resource-exhausted', message, {
      cause: death,
      hint: 'It ran out of memory, most likely. Use smaller frames or give the machine more.',
    });
  }
  if (request.kind === 'encode') return new BivdiffError('internal', message, { cause: death });
  return new BivdiffError('invalid-argument', message, {
    cause: death,
    hint: 'The file is damaged, most likely, or made to harm its reader. Convert it with another program first.',
  });
}

function cancelled(request: MediaRequest): BivdiffError {
  return new BivdiffError('cancelled', `${doing(request)}: cancelled`);
}

function doing(request: MediaRequest): string {
  const file = request.kind === 'probe' ? request.path : request.request.path;
  return `${request.kind === 'encode' ? 'writing' : 'reading'} ${path.basename(file)}`;
}
