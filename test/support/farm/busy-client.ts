// Clients of a farm that act at random: one as users do, with the time of each call; one that means harm.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { FarmClient } from '../../../cli/farm/farm-client.ts';
import { ArtifactServiceClient } from '../../../common/gen/bivdiff/v1/artifact_service.ts';
import { RenderServiceClient } from '../../../common/gen/bivdiff/v1/render_service.ts';
import type { Channel } from '../../../common/rpc/channel.ts';
import type { Digest } from '../../../common/task.ts';
import type { Random } from '../random.ts';
import { submission } from './guarded-farm.ts';

const PAUSE_MS_MAX = 400;
const OPEN_JOBS_MAX = 2;
const WATCH_MS = 4_000;

export interface CallTime {
  readonly call: string;
  readonly ms: number;
}

/** Submits, watches, lists, gets, cancels, reads logs and uploads until the signal aborts. */
export class BusyClient {
  readonly jobs = new Set<string>();
  readonly cancelled = new Set<string>();
  readonly times: CallTime[] = [];
  readonly #client: FarmClient;
  readonly #random: Random;
  readonly #source: Digest;

  private constructor(client: FarmClient, random: Random, source: Digest) {
    this.#client = client;
    this.#random = random;
    this.#source = source;
  }

  static async create(client: FarmClient, clip: Uint8Array, random: Random): Promise<BusyClient> {
    return new BusyClient(client, random, await client.putArtifact(clip));
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#act(signal);
      await delay(this.#random() * PAUSE_MS_MAX);
    }
  }

  async #act(signal: AbortSignal): Promise<void> {
    const draw = this.#random();
    const jobs = [...this.jobs];
    const job = jobs[Math.floor(this.#random() * jobs.length)];
    if (draw < 0.25) await this.#submit();
    else if (draw < 0.5) await this.#timed('list', () => this.#client.list());
    else if (job === undefined) return;
    else if (draw < 0.7) await this.#timed('get', () => this.#client.get(job));
    else if (draw < 0.8) await this.#timed('log', () => this.#readLog(job));
    else if (draw < 0.85) await this.#cancel(job);
    else if (draw < 0.93) {
      const bytes = randomBytes(1 + Math.floor(this.#random() * 200_000));
      await this.#timed('upload', () => this.#client.putArtifact(bytes));
    } else await this.#watch(job, signal);
  }

  async #submit(): Promise<void> {
    const states = await Promise.all(
      [...this.jobs].slice(-OPEN_JOBS_MAX).map(async (id) => (await this.#client.get(id)).state),
    );
    if (states.filter((state) => state === 'queued' || state === 'running').length > 1) return;
    const seed = Math.floor(this.#random() * 2 ** 31);
    const request = submission(this.#source, {
      ...{ seed, frames: 4, frameBatch: 4, steps: 1 },
      size: { width: 64, height: 64 },
    });
    const job = await this.#timed('submit', () => this.#client.submit(request));
    this.jobs.add(job.id);
  }

  async #cancel(job: string): Promise<void> {
    const { state } = await this.#client.get(job);
    if (state !== 'queued' && state !== 'running') return;
    // It may end in this moment, and is then done.
    const after = await this.#timed('cancel', () => this.#client.cancel(job)).catch(() =>
      this.#client.get(job),
    );
    if (after.state === 'cancelled') this.cancelled.add(job);
  }

  async #readLog(job: string): Promise<void> {
    const lines = this.#client.log(job, { follow: false });
    while ((await lines.next()).done !== true);
  }

  async #watch(job: string, signal: AbortSignal): Promise<void> {
    const enough = AbortSignal.any([signal, AbortSignal.timeout(WATCH_MS)]);
    try {
      for await (const seen of this.#client.watch(job, enough)) {
        if (!['queued', 'running'].includes(seen.state)) return;
      }
    } catch (reason) {
      if (!enough.aborted) throw reason;
    }
  }

  async #timed<T>(call: string, act: () => Promise<T>): Promise<T> {
    const begunMs = performance.now();
    const result = await act();
    this.times.push({ call, ms: performance.now() - begunMs });
    return result;
  }
}

/** Largest specs, reads that take nothing, a thousand watches, uploads that stop half-way: as many as the farm lets it. */
export async function runHostileClient(
  { client, channel, clip }: { client: FarmClient; channel: Channel; clip: Uint8Array },
  signal: AbortSignal,
): Promise<{ readonly refused: number; readonly opened: number }> {
  const own = { metadata: channel.metadata };
  const metadata = () => own.metadata?.();
  const render = new RenderServiceClient(channel.address, channel.credentials);
  const artifacts = new ArtifactServiceClient(channel.address, channel.credentials);
  const source = await client.putArtifact(clip);
  const large = await client.putArtifact(randomBytes(16 << 20));
  const tally = { refused: 0, opened: 0 };
  const open: { cancel(): void }[] = [];
  const keep = (call: {
    cancel(): void;
    on(event: 'error', listener: () => void): unknown;
  }): void => {
    tally.opened += 1;
    call.on('error', () => (tally.refused += 1));
    open.push(call);
  };
  let seed = 0;
  let job = '';
  while (!signal.aborted) {
    seed += 1;
    const prompt = `${seed} ${'x'.repeat(3_990)}`;
    const request = submission(source, {
      ...{ seed, prompt, negativePrompt: prompt, videoPrompt: prompt, frames: 100_000 },
      ...{
        size: { width: 64, height: 64 },
        frameBatch: 1,
        steps: 1,
        input: { path: 'clip.mp4', start: 0, stride: 1 },
      },
    });
    job = await client.submit(request).then(
      ({ id }) => id,
      () => ((tally.refused += 1), job),
    );
    const small = submission(source, {
      seed,
      frames: 4,
      size: { width: 64, height: 64 },
      steps: 1,
    });
    job = await client.submit(small).then(
      ({ id }) => id,
      () => ((tally.refused += 1), job),
    );
    for (let i = 0; i < 1_000 && job !== ''; i += 1) {
      const watch = render.watchJob({ id: job }, metadata() as never);
      watch.pause();
      keep(watch);
    }
    for (let i = 0; i < 20; i += 1) {
      const read = artifacts.readArtifact(
        { digest: large, offset: 0, inMemory: false },
        metadata() as never,
      );
      read.pause();
      keep(read);
      const write = artifacts.writeArtifact(metadata() as never, () => undefined);
      write.write({ digest: randomBytes(32).toString('hex'), chunk: randomBytes(256 << 10) });
      keep(write);
    }
    await delay(5_000, undefined, { signal }).catch(() => undefined);
    for (const call of open.splice(0, open.length >> 1)) call.cancel();
  }
  for (const call of open) call.cancel();
  render.close();
  artifacts.close();
  return tally;
}
