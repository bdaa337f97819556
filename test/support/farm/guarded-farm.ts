// A coordinator behind a real gRPC server, with tokens for several owners, and one client for each. Nothing works: jobs are what tests
// write into the store, or stay queued.

import { ServerCredentials } from '@grpc/grpc-js';

import { FarmClient } from '../../../cli/farm/farm-client.ts';
import { createMemoryBus } from '../../../common/bus/memory/index.ts';
import { canonicalJson } from '../../../common/canonical-json.ts';
import { digestText } from '../../../common/digest.ts';
import type { SubmitJobRequest } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { openChannel } from '../../../common/rpc/channel.ts';
import type { Channel, ChannelSettings } from '../../../common/rpc/channel.ts';
import { DEFAULT_LIMITS } from '../../../common/rpc/farm-limits.ts';
import type { FarmLimits } from '../../../common/rpc/farm-limits.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { Digest, JobId } from '../../../common/task.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import { Coordinator } from '../../../coordinator/coordinator.ts';
import { jobIdOf } from '../../../coordinator/domain/accept.ts';
import { DEFAULT_FAILURE_POLICY } from '../../../coordinator/domain/failure-policy.ts';
import type { AcceptedJob } from '../../../recipes/job.ts';
import { systemClock } from '../../../coordinator/ports.ts';
import type { Refusal } from '../../../coordinator/rpc/access/authorizer.ts';
import type { Role } from '../../../coordinator/rpc/access/roles.ts';
import { createRpcServer } from '../../../coordinator/rpc/server.ts';
import { createToken, TokenBook } from '../../../coordinator/rpc/access/token-book.ts';
import { WorkerRegistry } from '../../../coordinator/dispatch/worker-registry.ts';
import { acceptedJob } from '../jobs.ts';

export interface Bearer {
  readonly owner: string;
  readonly roles: readonly Role[];
}

export interface GuardedFarmOptions {
  /** By the name that tests give them. Absent: no tokens. */
  readonly bearers?: Readonly<Record<string, Bearer>>;
  readonly credentials?: ServerCredentials;
  readonly limits?: Partial<FarmLimits>;
  /** What lies in the store before the coordinator begins. */
  readonly prepare?: (store: Store) => Promise<void>;
}

export class GuardedFarm {
  readonly store: Store;
  readonly refusals: Refusal[] = [];
  readonly drained: string[] = [];
  readonly workers = new WorkerRegistry(systemClock);
  readonly tokens = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #closing: (() => unknown)[] = [];
  #address = '';

  private constructor(store: Store) {
    this.store = store;
  }

  static async start(options: GuardedFarmOptions = {}): Promise<GuardedFarm> {
    const farm = new GuardedFarm(createMemoryStore());
    await options.prepare?.(farm.store);
    await farm.#start(options);
    return farm;
  }

  /** HOST:PORT. */
  get address(): string {
    return this.#address;
  }

  async channel(settings: Partial<ChannelSettings> = {}): Promise<Channel> {
    return openChannel({ server: this.#address, origin: '--server', ...settings });
  }

  /** A client with the token of one of the bearers; without any. */
  async client(bearer?: string, settings: Partial<ChannelSettings> = {}): Promise<FarmClient> {
    const token = bearer === undefined ? undefined : this.tokens.get(bearer);
    const channel = await this.channel({ ...(token && { token }), ...settings });
    const client = new FarmClient(channel.address, channel);
    this.#closing.push(() => client.close());
    return client;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }

  async #start({ bearers, credentials, limits }: GuardedFarmOptions): Promise<void> {
    const bus = createMemoryBus({ ackWaitMs: 10_000 });
    const entries = Object.entries(bearers ?? {}).map(([name, bearer]) => {
      const { token, sha256 } = createToken();
      this.tokens.set(name, token);
      return { sha256, ...bearer };
    });
    const coordinator = new Coordinator({
      ...{ store: this.store, bus, workers: this.workers, clock: systemClock },
      policy: DEFAULT_FAILURE_POLICY,
      nowMs: Date.now,
      name: 'guarded',
      conclude: async () => undefined,
      onTrouble: () => undefined,
    });
    const running = coordinator.run(this.#stop.signal);
    const { server } = createRpcServer({
      ...{ coordinator, workers: this.workers, store: this.store, pid: 1 },
      tokens: bearers === undefined ? undefined : new TokenBook(entries),
      limits: { ...DEFAULT_LIMITS, ...limits },
      // Two specs with one seed are the same render.
      accept: async ({ seed, frames }, source) =>
        acceptedJob({ seed, frames, source: { ...source, start: 0, stride: 1 } }),
      drain: (worker) => this.drained.push(worker),
      onRefused: (refusal) => this.refusals.push(refusal),
    });
    const port = await new Promise<number>((resolve, reject) => {
      const chosen = credentials ?? ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', chosen, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    this.#address = `127.0.0.1:${port}`;
    this.#closing.push(async () => {
      server.forceShutdown();
      this.#stop.abort();
      await running;
      await bus.close();
    });
  }
}

/** A request as `bivdiff submit` makes it. */
export function submission(
  sourceDigest: string,
  changes: Partial<NonNullable<SubmitJobRequest['spec']>> = {},
): SubmitJobRequest {
  const spec = {
    apiVersion: 'bivdiff/v1',
    kind: 'Render',
    task: 'controlnet',
    input: { path: 'clip.mp4', start: 0, stride: 1 },
    frames: 8,
    size: { width: 128, height: 128 },
    resize: 'stretch',
    control: { type: 'canny', scale: 1 },
    prompt: 'a red circle',
    inversion: { normScope: 'window' },
    seed: 1,
    posterior: 'mode',
    frameBatch: 4,
    taskSettingsJson: '',
    output: { format: 'mp4', framesPerSecond: 8, comparison: false, contactSheet: false },
    ...changes,
  } as unknown as NonNullable<SubmitJobRequest['spec']>;
  return {
    protocol: PROTOCOL_VERSION,
    spec,
    sourceKind: 'video',
    sourceDigest,
    sources: [],
    priority: 50,
  };
}

/** Writes a finished job of an owner into a store, as if it had been rendered; gives its id and its video's digest. */
export async function putDoneJob(
  store: Store,
  { owner, seed }: { readonly owner: string; readonly seed: number },
): Promise<{ readonly id: JobId; readonly output: Digest }> {
  const job: AcceptedJob = acceptedJob({ seed });
  const id = jobIdOf(job);
  const output = await store.putArtifact(Buffer.from(`the video of ${owner}, ${seed}`));
  const put = (kind: 'spec' | 'manifest', value: unknown): Promise<unknown> =>
    store.putDocument({ kind, id }, Buffer.from(canonicalJson(value as never)));
  await put('spec', job);
  await put('manifest', {
    ...{ jobId: id, job, stages: {}, metrics: {} },
    outputs: [
      {
        params: { layout: 'clip', format: 'mp4', framesPerSecond: 8 },
        artifacts: [{ digest: output, bytes: 1, type: 'video/mp4' }],
      },
    ],
  });
  const log = [
    { kind: 'submitted', atMs: 1, name: `${owner}'s`, priority: 50, owner },
    { kind: 'done', atMs: 2, seconds: 1 },
  ];
  for (const [n, entry] of log.entries()) {
    const name = `${id}/${String(n).padStart(6, '0')}`;
    await store.putDocument({ kind: 'job-event', id: name }, Buffer.from(JSON.stringify(entry)));
  }
  return { id, output };
}

/** A digest of something that was never stored. */
export const NOWHERE: Digest = digestText('stored nowhere');
