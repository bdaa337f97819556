// A TCP proxy that stands for the network between two programs: passes, delays, cuts, swallows. Knows nothing of what goes over it.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * - `pass`: bytes go both ways, each chunk after the delay
 * - `cut`: no connection stands, and each new one is reset
 * - `black-hole`: connections stand and new ones are taken, but nothing ever arrives
 */
type Mode = 'pass' | 'cut' | 'black-hole';

/** Made for each connection; what it gives of a chunk from the client is passed on to the server. */
export type Filter = () => (chunk: Buffer) => Buffer;

export class TcpProxy {
  /** Connections that were taken, and not reset at once. */
  connections = 0;
  /** Connections that were reset by a cut or were refused during it. */
  resets = 0;
  /** Bytes that a black hole has swallowed. */
  swallowedBytes = 0;
  /** Bytes that were passed on late. */
  delayedBytes = 0;
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #filter: Filter;
  readonly #pairs = new Set<Pair>();
  #mode: Mode = 'pass';
  #delayMs = 0;

  /** Use `startTcpProxy`. */
  constructor(target: { readonly host: string; readonly port: number }, filter: Filter) {
    this.#target = target;
    this.#filter = filter;
    this.#server = createServer((client) => {
      this.#accept(client);
    });
  }

  /** HOST:PORT. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Heals. Connections of which a black hole has swallowed something are reset: they can never be whole again. */
  pass(): void {
    this.#mode = 'pass';
    for (const pair of [...this.#pairs]) if (pair.isTorn) pair.end();
  }

  cut(): void {
    this.#mode = 'cut';
    for (const pair of [...this.#pairs]) {
      this.resets += 1;
      pair.end();
    }
  }

  blackHole(): void {
    this.#mode = 'black-hole';
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  async close(): Promise<void> {
    for (const pair of [...this.#pairs]) pair.end();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#mode === 'cut') {
      this.resets += 1;
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    this.connections += 1;
    const pair: Pair = new Pair(client, connect(this.#target), () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    const filter = this.#filter();
    this.#carry(pair, { from: pair.client, to: pair.server, change: filter });
    this.#carry(pair, { from: pair.server, to: pair.client, change: (chunk) => chunk });
  }

  #carry(pair: Pair, { from, to, change }: Direction): void {
    from.on('data', (chunk: Buffer) => {
      if (this.#mode === 'black-hole') {
        this.swallowedBytes += chunk.length;
        pair.isTorn = true;
        return;
      }
      const bytes = change(chunk);
      if (this.#delayMs === 0) {
        to.write(bytes);
        return;
      }
      this.delayedBytes += bytes.length;
      // Timers of one length fire in the order in which they were set.
      setTimeout(() => {
        if (to.writable) to.write(bytes);
      }, this.#delayMs);
    });
  }
}

interface Direction {
  readonly from: Socket;
  readonly to: Socket;
  readonly change: (chunk: Buffer) => Buffer;
}

/** A connection of a client, and the one behind it. One ends with the other. */
class Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of it are lost. */
  isTorn = false;

  constructor(client: Socket, server: Socket, onEnd: () => void) {
    this.client = client;
    this.server = server;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        onEnd();
        this.end();
      });
    }
  }

  end(): void {
    this.client.destroy();
    this.server.destroy();
  }
}

/** Stands before the server at HOST:PORT or SCHEME://HOST:PORT. */
export async function startTcpProxy(
  server: string,
  filter: Filter = () => (chunk) => chunk,
): Promise<TcpProxy> {
  const [host = '', port = ''] = server.replace(/^\w+:\/\//, '').split(':');
  const proxy = new TcpProxy({ host, port: Number(port) }, filter);
  await proxy.listen();
  return proxy;
}
