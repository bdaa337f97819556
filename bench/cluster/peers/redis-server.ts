// A Redis of the bench's own: on a free loopback port, in a temporary folder, with the persistence asked for.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BivdiffError } from '../../../common/errors.ts';
import { freePort } from '../../../test/support/network/ports.ts';

const START_TIMEOUT_MS = 10_000;

/**
 * What Redis has on disk of a change that it has confirmed.
 * - `none`: nothing, ever
 * - `everysec`: all but the last second (append-only file, written at once, synced each second)
 * - `always`: all of it (append-only file, synced before the answer)
 */
export type Durability = 'none' | 'everysec' | 'always';

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
}

/** Undefined where there is no redis-server on PATH. */
export function redisVersion(): string | undefined {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /v=(\S+)/.exec(stdout)?.[1] : undefined;
}

/** Resolves when it takes connections. Disposing ends it and removes its folder. @throws unavailable — it did not start */
export async function startRedis(durability: Durability): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-bench-redis-'));
  const port = await freePort();
  const child = spawn(
    'redis-server',
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...(durability === 'none'
        ? ['--appendonly', 'no']
        : ['--appendonly', 'yes', '--appendfsync', durability]),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'exit');
  let log = '';
  const started = Promise.withResolvers<boolean>();
  child.stdout.on('data', (bytes: Buffer) => {
    log += String(bytes);
    if (log.includes('Ready to accept connections')) started.resolve(true);
  });
  void ended.then(() => started.resolve(false));
  const timer = setTimeout(() => started.resolve(false), START_TIMEOUT_MS);
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const isUp = await started.promise;
  clearTimeout(timer);
  if (!isUp) {
    await stop();
    throw new BivdiffError('unavailable', `redis-server did not start on port ${port}: ${log}`);
  }
  return { port, [Symbol.asyncDispose]: stop };
}
