// A real nats-server with the configuration that `bivdiff nats-config` writes.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { natsConfigText } from '../../../cli/farm/nats-config.ts';
import type { NatsConfigOptions } from '../../../cli/farm/nats-config.ts';
import { findNatsServer } from '../../../cli/programs/nats-server.ts';
import { killed } from '../farm/farm-program.ts';
import { answers, freePort } from './ports.ts';

const START_MS = 20_000;

export interface SecuredNats {
  readonly port: number;
  /** What the server says: of every refused subject one line. */
  readonly log: () => string;
  close(): Promise<void>;
}

export async function startSecuredNats(
  options: Pick<NatsConfigOptions, 'users' | 'tls'>,
): Promise<SecuredNats> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-secured-'));
  const port = await freePort();
  const path = join(folder, 'nats.conf');
  const listen = `127.0.0.1:${port}`;
  const text = natsConfigText({ ...options, listen, storeFolder: join(folder, 'jetstream') });
  await writeFile(path, text, { mode: 0o600 });
  const child = spawn(await findNatsServer(), ['-c', path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const close = async (): Promise<void> => {
    await killed(child);
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_MS;
  while (!(await answers(port))) {
    if (performance.now() < deadline && child.exitCode === null) await delay(20);
    else {
      await close();
      throw new Error(`nats-server did not start: ${log}`);
    }
  }
  return { port, log: () => log, close };
}
