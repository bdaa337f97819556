// A proxy before an S3 server that counts requests and has faults which tests choose: an answer lost, a connection broken in
// mid-body, a condition ignored.

import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

import type { VersityGw } from './versitygw.ts';

/**
 * - `lose-answer`: the server has done it, and the client never hears of it
 * - `break-body`: half of the answer's body arrives
 * - `busy`: 503 instead
 * - `ignore-condition`: a put replaces what is there
 */
export type Fault = 'lose-answer' | 'break-body' | 'busy' | 'ignore-condition';

export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

export class S3Proxy {
  readonly seen: SeenRequest[] = [];
  /** Says what goes wrong with a request; nothing by default. */
  faultOf: (seen: SeenRequest) => Fault | undefined = () => undefined;
  /** Happens before the request goes on. */
  before: (seen: SeenRequest) => Promise<void> = async () => undefined;
  readonly #target: VersityGw;
  readonly #server: Server;

  /** Use `startS3Proxy`. */
  constructor(target: VersityGw) {
    this.#target = target;
    this.#server = createServer((from, to) => {
      this.#pass(from, to).catch(() => to.destroy());
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const seen = { method: from.method ?? '', path: (from.url ?? '').split('?')[0] ?? '' };
    this.seen.push(seen);
    const fault = this.faultOf(seen);
    const sent = await buffer(from);
    await this.before(seen);
    if (fault === 'busy') {
      to.writeHead(503).end('<Error><Code>SlowDown</Code><Message>busy</Message></Error>');
      return;
    }
    if (fault === 'ignore-condition' && from.headers['if-none-match'] !== undefined) {
      await this.#replace(seen.path, sent);
      to.writeHead(200, { etag: '"any"' }).end();
      return;
    }
    const { answer, body } = await this.#forward(from, sent);
    if (fault === 'lose-answer') {
      to.destroy();
      return;
    }
    to.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
    if (fault === 'break-body') {
      to.write(body.subarray(0, body.byteLength >> 1), () => to.destroy());
      return;
    }
    to.end(body);
  }

  /** As it came, signature and all: the host's name is part of that. */
  async #forward(
    from: IncomingMessage,
    sent: Buffer,
  ): Promise<{ answer: IncomingMessage; body: Buffer }> {
    const outgoing = request({
      host: '127.0.0.1',
      port: this.#target.port,
      method: from.method,
      path: from.url,
      headers: from.headers,
    });
    outgoing.end(sent);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return { answer, body: await buffer(answer) };
  }

  /** The condition is signed, so it cannot just be left out. */
  async #replace(path: string, body: Buffer): Promise<void> {
    const { url, env } = this.#target;
    const [, bucket = '', key = ''] = /^\/([^/]+)\/(.*)$/.exec(decodeURIComponent(path)) ?? [];
    const client = new S3Client({
      endpoint: url,
      forcePathStyle: true,
      region: 'us-east-1',
      credentials: {
        accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    client.destroy();
  }
}

export async function startS3Proxy(target: VersityGw): Promise<S3Proxy> {
  const proxy = new S3Proxy(target);
  await proxy.start();
  return proxy;
}
