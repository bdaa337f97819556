// A TCP line between a client and a server of a test, which changes what it passes on.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** What the line damages: put it into bytes that shall not arrive as they were sent. */
export const FRAGILE = 'FRAGILE-fragile-FRAGILE';

export interface FragileLine {
  readonly address: string;
  /** How often it still damages the text. */
  damagesLeft: number;
  close(): Promise<void>;
}

/** Passes everything on to `target` (HOST:PORT) and back; changes a letter of each FRAGILE while damages are left. */
export async function openFragileLine(target: string, damages: number): Promise<FragileLine> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.on('data', (bytes) => to.write(pass(bytes)));
    }
  });
  const pass = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf(FRAGILE);
    if (at < 0 || line.damagesLeft === 0) return bytes;
    line.damagesLeft -= 1;
    bytes.write('X', at + 3);
    return bytes;
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line: FragileLine = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    damagesLeft: damages,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return line;
}
