// Breaks a farm at random: one fault after the other, by a seed, each told in one line. Every fault heals before the next, but what it
// did to tasks may still be felt.

import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import { ACK_WAIT_MS } from '../../../cli/flags/farm-settings.ts';
import { isGone } from '../../../common/bus/nats/nats-errors.ts';
import { STREAM } from '../../../common/bus/nats/subjects.ts';
import type { FaultFarm } from './fault-farm.ts';
import { isAlive, killed } from './farm-program.ts';
import type { Program } from './farm-program.ts';
import { pick } from '../random.ts';
import type { Random } from '../random.ts';
import { startTcpProxy } from '../network/tcp-proxy.ts';
import type { TcpProxy } from '../network/tcp-proxy.ts';

const WORKERS_MIN = 2;
const WORKERS_MAX = 4;
/** Some breaks are over before a lease lapses, some are not. */
const BREAK_MS_MAX = ACK_WAIT_MS + 3_000;

export class RandomFaults {
  /** How often each fault was done. */
  readonly counts = new Map<string, number>();
  readonly #farm: FaultFarm;
  readonly #random: Random;
  readonly #say: (line: string) => void;
  readonly #proxies = new Map<string, TcpProxy>();
  readonly #faults: Readonly<Record<string, () => Promise<string>>>;
  readonly #leaving = new Set<string>();
  #workersStarted = 0;

  constructor(farm: FaultFarm, random: Random, say: (line: string) => void) {
    this.#farm = farm;
    this.#random = random;
    this.#say = say;
    this.#faults = {
      'worker killed': () => this.#killWorker(),
      'worker joins': () => this.#join(),
      'worker leaves': () => this.#leave(),
      'worker suspended': () => this.#suspendWorker(),
      'network cut': () => this.#breakNetwork((proxy) => proxy.cut()),
      'network black hole': () => this.#breakNetwork((proxy) => proxy.blackHole()),
      'coordinator killed': () => this.#killCoordinator(),
      'nats-server killed': () => this.#killNats(),
      'nats-server killed, data deleted': () => this.#killNats({ deleteData: true }),
      'stream deleted': () => this.#deleteStream(),
      'artifact damaged': () => this.#damageArtifact(),
    };
  }

  async startWorkers(): Promise<void> {
    for (let i = 0; i < WORKERS_MIN; i += 1) await this.#startWorker();
    await this.#farm.seesWorkers(WORKERS_MIN);
  }

  /** Does one fault, and undoes it where it does not pass by itself. */
  async next(): Promise<void> {
    const name = pick(this.#random, Object.keys(this.#faults));
    const running = this.#alive.flatMap(([worker]) => this.#farm.unfinished(worker));
    const what = await this.#faults[name]!();
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#say(`${name}: ${what} (${running.length} tasks ran)`);
  }

  /** Workers that ended although nobody ended them. */
  get crashed(): readonly string[] {
    return [...this.#farm.workers].flatMap(([name, { child }]) => {
      const isTheirOwn = child.exitCode !== null && child.exitCode !== 0;
      return isTheirOwn ? [name] : [];
    });
  }

  async close(): Promise<void> {
    for (const proxy of this.#proxies.values()) await proxy.close();
  }

  get #alive(): readonly (readonly [string, Program])[] {
    return [...this.#farm.workers].filter(([, { child }]) => isAlive(child));
  }

  async #startWorker(): Promise<string> {
    this.#workersStarted += 1;
    const name = `r${this.#workersStarted}`;
    const proxy = await startTcpProxy(this.#farm.nats.url);
    this.#proxies.set(name, proxy);
    this.#farm.startWorker(name, [], { nats: `nats://${proxy.address}` });
    // One that begins while nats-server is away ends at once, and says so: that is no crash.
    await this.#farm.until(`worker ${name} is there`, async () => {
      const { workers } = await this.#farm.client.workers();
      return workers.some((worker) => worker.name === name);
    });
    return name;
  }

  async #killWorker(): Promise<string> {
    const [name] = pick(this.#random, this.#alive);
    await this.#farm.killWorker(name);
    return `${name}, ${await this.#startWorker()} comes instead`;
  }

  async #join(): Promise<string> {
    if (this.#alive.length >= WORKERS_MAX) return this.#leave();
    return this.#startWorker();
  }

  async #leave(): Promise<string> {
    // A second signal would end it at once.
    const staying = this.#alive.filter(([name]) => !this.#leaving.has(name));
    if (staying.length === 0) return 'all are leaving';
    const [name, { child }] = pick(this.#random, staying);
    this.#leaving.add(name);
    child.kill('SIGTERM');
    const instead = staying.length > WORKERS_MIN ? '' : `, ${await this.#startWorker()} comes`;
    return `${name} is drained${instead}`;
  }

  async #suspendWorker(): Promise<string> {
    const [name, { child }] = pick(this.#random, this.#alive);
    const ms = Math.round(this.#random() * BREAK_MS_MAX);
    this.#farm.strikes({ kind: 'loses', worker: name });
    child.kill('SIGSTOP');
    await delay(ms);
    child.kill('SIGCONT');
    return `${name} for ${ms} ms`;
  }

  async #breakNetwork(how: (proxy: TcpProxy) => void): Promise<string> {
    const [name] = pick(this.#random, this.#alive);
    const ms = Math.round(this.#random() * BREAK_MS_MAX);
    const proxy = this.#proxies.get(name)!;
    this.#farm.strikes({ kind: 'loses', worker: name });
    how(proxy);
    await delay(ms);
    proxy.pass();
    return `${name} for ${ms} ms`;
  }

  async #killCoordinator(): Promise<string> {
    const { pid } = this.#farm.coordinator!.child;
    await killed(this.#farm.coordinator!.child);
    this.#farm.startCoordinator();
    await this.#farm.until('the new coordinator answers', async () => {
      return (await this.#farm.client.list()).length >= 0;
    });
    return `pid ${pid}, pid ${this.#farm.coordinator!.child.pid} comes`;
  }

  async #killNats({ deleteData = false } = {}): Promise<string> {
    const { nats } = this.#farm;
    this.#farm.strikes({ kind: 'loses' });
    await nats.signal('SIGKILL');
    if (deleteData) await nats.deleteData();
    const ms = Math.round(this.#random() * 3_000);
    await delay(ms);
    await nats.start();
    return `away for ${ms} ms`;
  }

  async #deleteStream(): Promise<string> {
    const connection = await connect({ servers: this.#farm.nats.url });
    const manager = await jetstreamManager(connection);
    try {
      const { state } = await manager.streams.info(STREAM);
      this.#farm.strikes({ kind: 'loses' });
      await manager.streams.delete(STREAM);
      return `with ${state.messages} messages`;
    } catch (reason) {
      if (!isGone(reason)) throw reason;
      return 'there was none';
    } finally {
      await connection.close();
    }
  }

  /** Of a result that others read: what is for the user is not made again behind their back. */
  async #damageArtifact(): Promise<string> {
    const made = this.#farm.events.flatMap((event) => {
      if (event.kind !== 'committed' || ['measure', 'assemble'].includes(event.result.stage))
        return [];
      const { taskId } = event;
      const { outputs = {} } = this.#farm.recordOf(taskId) ?? {};
      return Object.values(outputs).flatMap((refs) =>
        refs.map(({ digest }) => ({ taskId, digest })),
      );
    });
    if (made.length === 0) return 'there was none';
    const { digest } = pick(this.#random, made);
    const makers = new Set(made.flatMap((one) => (one.digest === digest ? [one.taskId] : [])));
    for (const taskId of makers) this.#farm.strikes({ kind: 'damages', taskId });
    const path = join(this.#farm.store, 'artifacts', digest.slice(0, 2), digest);
    try {
      const bytes = await readFile(path);
      bytes[Math.floor(this.#random() * bytes.length)]! ^= 1;
      await chmod(path, 0o644);
      await writeFile(path, bytes);
    } catch (reason) {
      // It lies in quarantine since it was damaged before.
      if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return 'it was away already';
      throw reason;
    }
    return digest.slice(0, 12);
  }
}
