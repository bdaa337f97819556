// A farm of real processes with tokens: nats-server, coordinator, workers; and a client for each owner.

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { FarmClient } from '../../../cli/farm/farm-client.ts';
import { startNatsServer } from '../../../cli/programs/nats-server.ts';
import type { NatsServer } from '../../../cli/programs/nats-server.ts';
import { openChannel } from '../../../common/rpc/channel.ts';
import type { Channel } from '../../../common/rpc/channel.ts';
import { createToken } from '../../../coordinator/rpc/access/token-book.ts';
import { freePort } from '../network/ports.ts';
import { killed, startProgram } from './farm-program.ts';
import type { Program } from './farm-program.ts';

const READY_MS = 60_000;
const POOL_FLAGS = ['idm', 'mixer', 'vdm'].flatMap((pool) => ['--pool', pool]);

export class TenantFarm {
  readonly folder: string;
  readonly coordinator: Program;
  readonly #nats: NatsServer;
  readonly #server: string;
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #workers: readonly Program[];
  readonly #clients: FarmClient[] = [];

  private constructor(parts: {
    readonly folder: string;
    readonly nats: NatsServer;
    readonly server: string;
    readonly tokens: ReadonlyMap<string, string>;
    readonly coordinator: Program;
    readonly workers: readonly Program[];
  }) {
    this.folder = parts.folder;
    this.coordinator = parts.coordinator;
    this.#nats = parts.nats;
    this.#server = parts.server;
    this.#tokens = parts.tokens;
    this.#workers = parts.workers;
  }

  /** The owner "operator" may do everything; each other submits. */
  static async start(owners: readonly string[], workers: number): Promise<TenantFarm> {
    const folder = await mkdtemp(join(tmpdir(), 'bivdiff-tenants-'));
    const nats = await startNatsServer();
    const server = `127.0.0.1:${await freePort()}`;
    const made = [...owners, 'operator'].map((owner) => ({ owner, ...createToken() }));
    const tokens = made.map(({ owner, sha256 }) => ({
      ...{ sha256, owner, roles: [owner === 'operator' ? 'operate' : 'submit'] },
    }));
    const tokensFile = join(folder, 'tokens.json');
    await writeFile(tokensFile, JSON.stringify({ tokens }), { mode: 0o600 });
    const shared = ['--nats', nats.url, '--store', join(folder, 'store')];
    const farm = new TenantFarm({
      ...{ folder, nats, server },
      tokens: new Map(made.map(({ owner, token }) => [owner, token])),
      coordinator: startProgram(
        'coordinator',
        ['coordinator', ...shared, '--listen', server, '--tokens', tokensFile],
        {},
      ),
      workers: Array.from({ length: workers }, (_, i) =>
        startProgram(
          `w${i}`,
          ['worker', ...shared, '--name', `w${i}`, '--threads', '1', ...POOL_FLAGS],
          {},
        ),
      ),
    });
    await farm.#ready(workers).catch(async (reason: unknown) => {
      await farm.close();
      throw reason;
    });
    return farm;
  }

  async channel(owner: string): Promise<Channel> {
    const token = this.#tokens.get(owner)!;
    return openChannel({ server: this.#server, origin: '--server', token });
  }

  async client(owner: string): Promise<FarmClient> {
    const channel = await this.channel(owner);
    const client = new FarmClient(channel.address, channel);
    this.#clients.push(client);
    return client;
  }

  /** Resident memory of the coordinator, MiB; on Linux. */
  async coordinatorMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.coordinator.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const { child } of [...this.#workers, this.coordinator]) await killed(child);
    await this.#nats.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #ready(workers: number): Promise<void> {
    const operator = await this.client('operator');
    const untilMs = performance.now() + READY_MS;
    for (;;) {
      const seen = await operator.workers().then(
        (found) => found.workers.length,
        () => 0,
      );
      if (seen === workers) return;
      if (performance.now() > untilMs) {
        throw new Error([this.coordinator, ...this.#workers].map(({ log }) => log()).join(''));
      }
      await delay(200);
    }
  }
}

export async function sha256OfFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
