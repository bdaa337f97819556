// What the signs of life of many workers cost the NATS server: a real server, one connection for each worker that listens and beats as the
// worker program's does, a coordinator's registry, and the server's own count of bytes.

import { digestText } from '../../common/digest.ts';
import { CoordinatorTalk, openNatsBus, WorkerTalk } from '../../common/bus/nats/index.ts';
import type { NatsBus } from '../../common/bus/nats/index.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import type { TaskId } from '../../common/task.ts';
import { WORKER_BEAT_MS } from '../../common/worker-status.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';
import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { startNatsServer } from '../../cli/programs/nats-server.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { freePort } from '../../test/support/network/ports.ts';
import type { PartRef } from '../../recipes/job.ts';
import { benchJob } from '../bench-job.ts';

const MEASURED_MS = 10_000;
const TOGETHER = 50;

export interface BeatFigures {
  readonly workers: number;
  /** Of one beat. */
  readonly beatBytes: number;
  /** Into the server and out of it, each second. */
  readonly bytesPerSecond: number;
  readonly messagesPerSecond: number;
  /** Heard of lately, at the end. */
  readonly seen: number;
}

export async function measureBeats(workers: number): Promise<BeatFigures> {
  const monitor = await freePort();
  const server = await startNatsServer({ settings: [`http: "127.0.0.1:${monitor}"`] });
  const coordinator = await open(server.url, 'coordinator');
  const registry = new WorkerRegistry(systemClock);
  new CoordinatorTalk(coordinator).onBeat((status) => {
    registry.note(status);
  });
  const statuses = Array.from({ length: workers }, (_, index) => statusOf(index));
  const buses: NatsBus[] = [];
  const timers: NodeJS.Timeout[] = [];
  for (let from = 0; from < workers; from += TOGETHER) {
    const some = statuses.slice(from, from + TOGETHER);
    buses.push(...(await Promise.all(some.map(({ name }) => open(server.url, name)))));
  }
  for (const [index, bus] of buses.entries()) {
    const talk = new WorkerTalk(bus, statuses[index]!.name);
    talk.onDrain(() => undefined);
    talk.onOtherVersion(() => undefined);
    setTimeout(
      () => {
        timers.push(
          setInterval(() => {
            talk.beat(statuses[index]!);
          }, WORKER_BEAT_MS),
        );
      },
      (index / workers) * WORKER_BEAT_MS,
    );
  }
  await passed(2 * WORKER_BEAT_MS);
  const [before, beforeMs] = [await countsOf(monitor), performance.now()];
  await passed(MEASURED_MS);
  const [after, seconds] = [await countsOf(monitor), (performance.now() - beforeMs) / 1000];
  const seen = registry.alive.length;
  for (const timer of timers) clearInterval(timer);
  await Promise.all(buses.map((bus) => bus.close()));
  await coordinator.close();
  await server.close();
  return {
    ...{ workers, seen, beatBytes: JSON.stringify(statuses[0]).length },
    bytesPerSecond: (after.bytes - before.bytes) / seconds,
    messagesPerSecond: (after.messages - before.messages) / seconds,
  };
}

/** One slot with a task in it and two on their way, and all models of a job loaded. */
function statusOf(index: number): WorkerStatus {
  const id = (what: string): TaskId => digestText(`${what} of ${index}`) as string as TaskId;
  const parts = Object.values<PartRef>({ ...benchJob(1).models });
  return {
    ...{ protocol: PROTOCOL_VERSION, name: `worker-${index}.example`, pools: ['idm', 'vdm'] },
    ...{ slots: 1, pid: 100_000 + index, host: `host-${index}.example`, draining: false },
    numerics: {
      inference: 'onnxruntime 1.30.0 cuda NVIDIA H200',
      media: 'node-av 6.1.1 ffmpeg 8.1 sharp 0.35.5',
      plain: 'v8 13.6',
    },
    memoryBytes: 128 * 2 ** 30,
    running: ['one', 'two', 'three'].map(id),
    loaded: Object.fromEntries(parts.map(({ digest }, i) => [digest, 1_000 + i] as const)),
    committed: 1_000 + index,
    address: `host-${index}.example:7100`,
    gathered: { hits: 10_000, misses: 100, fallbacks: 1 },
    leaving: false,
  };
}

async function countsOf(
  port: number,
): Promise<{ readonly bytes: number; readonly messages: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/varz`);
  const counts = (await response.json()) as Readonly<Record<string, number>>;
  const of = (what: string): number => counts[`in_${what}`]! + counts[`out_${what}`]!;
  return { bytes: of('bytes'), messages: of('msgs') };
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function open(url: string, name: string): Promise<NatsBus> {
  return openNatsBus({ servers: [url], name, ackWaitMs: ACK_WAIT_MS });
}
