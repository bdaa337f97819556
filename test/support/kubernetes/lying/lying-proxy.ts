// A proxy before a real API server that tells the truth unless a test says otherwise (lies.ts). It has a certificate of its own, and passes on who
// asks. It speaks HTTP/1.1, and JSON: whoever asks for protobuf hears no lies about lists.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, createServer, request } from 'node:https';
import type { Server as HttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';

import { makeCertificates } from '../../network/certificates.ts';
import type { Certificates } from '../../network/certificates.ts';
import type { Server } from '../plane/credentials.ts';
import { listKey, otherList, seenRequest } from './lies.ts';
import type { Lie, List, SeenRequest } from './lies.ts';

/** Of each list so many answers are remembered. */
const REMEMBERED_MAX = 32;

/** A lie that a client was told. */
export interface Told extends SeenRequest {
  readonly lie: Lie;
  /** Place of the request among those seen. */
  readonly index: number;
}

interface Asked {
  readonly lie: Lie | undefined;
  /** Writes down that it was told. */
  readonly tell: () => void;
}

export class LyingProxy implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly told: Told[] = [];
  /** Says what is answered instead of the truth; nothing by default. */
  lieOf: (seen: SeenRequest) => Lie | undefined = () => undefined;
  readonly #target: Server;
  readonly #agent: Agent;
  readonly #server: HttpsServer;
  readonly #certificates: Certificates;
  readonly #remembered = new Map<string, List[]>();
  readonly #watches = new Set<ServerResponse>();

  /** Use `startLyingProxy`. */
  constructor(
    target: Server,
    parts: { ca: Buffer; cert: Buffer; key: Buffer; certificates: Certificates },
  ) {
    this.#target = target;
    this.#certificates = parts.certificates;
    this.#agent = new Agent({ ca: parts.ca, keepAlive: true });
    this.#server = createServer({ cert: parts.cert, key: parts.key }, (from, to) => {
      this.#answer(from, to).catch(() => to.destroy());
    });
  }

  /** How to reach it; a test makes a kubeconfig of that with `plane.access(token, { server })`. */
  get server(): Server {
    const { port } = this.#server.address() as AddressInfo;
    return { url: `https://127.0.0.1:${port}`, ca: this.#certificates.ca };
  }

  /** Watches that stand now. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Breaks all watches that stand now. */
  breakWatches(): void {
    for (const watch of this.#watches) watch.destroy();
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    this.#agent.destroy();
    await this.#certificates.remove();
  }

  async #answer(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const seen = seenRequest(from.method ?? '', from.url ?? '');
    const index = this.seen.push(seen) - 1;
    const lie = this.lieOf(seen);
    const tell = (): void => {
      if (lie !== undefined) this.told.push({ ...seen, lie, index });
    };
    switch (lie) {
      case 'error':
      case 'too-many':
        from.resume();
        tell();
        refuse(to, lie);
        return;
      case 'stall':
        from.resume();
        tell();
        return;
      case 'expire-watch':
        tell();
        to.writeHead(200, { 'content-type': 'application/json' }).end(EXPIRED);
        return;
      default:
    }
    const answer = await this.#ask(from, to);
    if (seen.kind === 'watch') await this.#watch(to, answer, { lie, tell });
    else await this.#once(to, answer, { seen, key: listKey(from.url ?? ''), lie, tell });
  }

  /** As it came, token and all. An answer that is not packed can be changed. */
  async #ask(from: IncomingMessage, to: ServerResponse): Promise<IncomingMessage> {
    const headers = { ...from.headers };
    delete headers['accept-encoding'];
    const asked = request(`${this.#target.url}${from.url ?? ''}`, {
      ...{ method: from.method, headers, agent: this.#agent },
    });
    // A client that is gone needs no answer, and a watch would stand for ever.
    to.once('close', () => asked.destroy());
    const answered = once(asked, 'response');
    await Promise.all([pipeline(from, asked), answered]);
    const [answer] = (await answered) as [IncomingMessage];
    return answer;
  }

  async #once(
    to: ServerResponse,
    answer: IncomingMessage,
    { seen, key, lie, tell }: Asked & { seen: SeenRequest; key: string },
  ): Promise<void> {
    const truth = await buffer(answer);
    const body = seen.kind === 'list' ? this.#listBody(answer, truth, { key, lie }) : undefined;
    if (body !== undefined) tell();
    const headers = { ...answer.headers };
    delete headers['transfer-encoding'];
    if (lie === 'lose-answer') {
      tell();
      to.destroy();
      return;
    }
    const sent = body ?? truth;
    to.writeHead(answer.statusCode ?? 500, { ...headers, 'content-length': sent.length });
    if (lie === 'break-body') {
      tell();
      to.write(sent.subarray(0, sent.length >> 1), () => to.destroy());
      return;
    }
    to.end(sent);
  }

  /** Something else than the truth, if there is something else to tell. */
  #listBody(
    answer: IncomingMessage,
    truth: Buffer,
    { key, lie }: { key: string; lie: Lie | undefined },
  ): Buffer | undefined {
    const list = listOf(answer, truth);
    if (list === undefined) return undefined;
    const remembered = this.#remembered.get(key) ?? [];
    this.#remembered.set(key, [...remembered, list].slice(-REMEMBERED_MAX));
    const other = lie === undefined ? undefined : otherList(list, lie, remembered[0]);
    return other === undefined ? undefined : Buffer.from(JSON.stringify(other));
  }

  async #watch(to: ServerResponse, answer: IncomingMessage, { lie, tell }: Asked): Promise<void> {
    this.#watches.add(to);
    to.once('close', () => this.#watches.delete(to));
    to.writeHead(answer.statusCode ?? 500, answer.headers);
    to.flushHeaders();
    if (lie === 'silent-watch') tell();
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      if (lie === 'silent-watch') continue;
      if (lie === 'break-watch') {
        tell();
        to.write(chunk.subarray(0, chunk.length >> 1), () => to.destroy());
        return;
      }
      to.write(chunk);
      if (lie === 'end-watch') {
        tell();
        break;
      }
    }
    to.end();
  }
}

/** Stands before the API server; closed with its watches. */
export async function startLyingProxy(target: Server): Promise<LyingProxy> {
  const certificates = await makeCertificates();
  const [ca, cert, key] = await Promise.all([
    readFile(target.ca),
    readFile(certificates.server.cert),
    readFile(certificates.server.key),
  ]);
  const proxy = new LyingProxy(target, { ca, cert, key, certificates });
  await proxy.listen();
  return proxy;
}

const REFUSALS = {
  error: { code: 500, reason: 'InternalError', message: 'etcdserver: request timed out' },
  'too-many': { code: 429, reason: 'TooManyRequests', message: 'too many requests' },
} as const;

const EXPIRED = `${JSON.stringify({
  type: 'ERROR',
  object: statusOf({ code: 410, reason: 'Expired', message: 'too old resource version' }),
})}\n`;

function refuse(to: ServerResponse, lie: keyof typeof REFUSALS): void {
  const { code } = REFUSALS[lie];
  const again = code === 429 ? { 'retry-after': '1' } : {};
  to.writeHead(code, { 'content-type': 'application/json', ...again });
  to.end(JSON.stringify(statusOf(REFUSALS[lie])));
}

function statusOf(facts: { code: number; reason: string; message: string }): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...facts };
}

function listOf(answer: IncomingMessage, body: Buffer): List | undefined {
  const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
  if (answer.statusCode !== 200 || !isJson) return undefined;
  const list = JSON.parse(body.toString()) as Partial<List>;
  return Array.isArray(list.items) ? (list as List) : undefined;
}
