// Steps of windows that no store has: from the workers that hold them, over real servers, checked; and what is said of those that are lost.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  decodeTaskMessage,
  encodeTaskMessage,
} from '../../../../common/bus/nats/messages/task-messages.ts';
import {
  decodeEvents,
  encodeEvent,
  joinEvents,
} from '../../../../common/bus/nats/messages/worker-events.ts';
import type { HeldResult, TaskMessage, WorkerEvent } from '../../../../common/bus/ports.ts';
import { digestText } from '../../../../common/digest.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { InputPart, TaskId } from '../../../../common/task.ts';
import { HeldResults } from '../../../../workers/peers/held-results.ts';
import { MadeCache } from '../../../../workers/peers/made-cache.ts';
import { startPeerServer } from '../../../../workers/peers/peer-server.ts';
import type { PeerServer } from '../../../../workers/peers/peer-server.ts';
import { PeerTensors } from '../../../../workers/peers/peer-tensors.ts';
import { gatherInput } from '../../../../workers/stages/artifacts.ts';
import { holdOutputs } from '../../../../workers/stages/float-tensors.ts';
import { BusyClock } from '../../../../workers/stages/busy-clock.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import { taskOf } from '../../../support/conformance/results.ts';

const SHAPE = [2, 4, 8, 8];
const made = new MadeCache(1 << 20);
const store = createMemoryStore({ files: new Map() });

let addresses: Map<string, string>;
let servers: Map<string, PeerServer>;
let stores: HeldResults[];
let reader: PeerTensors;

beforeEach(() => {
  addresses = new Map();
  servers = new Map();
  stores = [];
  reader = peerOf(undefined);
});
afterEach(async () => {
  reader.close();
  for (const server of servers.values()) server.close();
  for (const held of stores) await held.close();
});

function peerOf(held: HeldResults | undefined): PeerTensors {
  const tally = { hits: 0, misses: 0, fallbacks: 0 };
  return new PeerTensors({ made, held, addressOf: (worker) => addresses.get(worker), tally });
}

/** A worker that holds a tensor of this value, in memory or in a file. */
async function holder(
  worker: string,
  value: number,
  memoryBytesMax = 1 << 20,
): Promise<HeldResult> {
  const held = new HeldResults({ memoryBytesMax, diskBytesMax: 1 << 20 });
  stores.push(held);
  const server = await startPeerServer('127.0.0.1:0', made.get.bind(made), { held });
  servers.set(worker, server);
  addresses.set(worker, `127.0.0.1:${server.port}`);
  const latents = floatTensor(SHAPE);
  latents.data.fill(value);
  return { worker, outputs: await holdOutputs({ latents }, peerOf(held).hold!) };
}

const taskId = (name: string): TaskId => digestText(name) as string as TaskId;
const partOf = (name: string, offset = 0, count = 2): InputPart => {
  return { task: taskId(name), output: 'latents', offset, count };
};

function gather(parts: readonly InputPart[], held: Readonly<Record<TaskId, HeldResult>>) {
  return gatherInput({ store, peers: reader, held, codecs: new BusyClock() }, parts);
}

describe('steps that workers hold', () => {
  it('are gathered slice by slice from those that hold them, files among them', async () => {
    const held = {
      [taskId('a')]: await holder('w1', 1),
      [taskId('b')]: await holder('w2', 2, 0),
    };
    const tensor = await gather([partOf('a', 1, 1), partOf('b')], held);
    expect(tensor.shape).toEqual([3, ...SHAPE.slice(1)]);
    expect([0, 256, 512].map((at) => tensor.data[at])).toEqual([1, 2, 2]);
  });

  it('are told as lost, all together, when their holders are gone or have other bytes', async () => {
    const one = await holder('w1', 1);
    const two = await holder('w2', 2);
    const three = await holder('w3', 3);
    servers.get('w2')!.close();
    const other: HeldResult = {
      worker: 'w3',
      outputs: { latents: [{ ...three.outputs['latents']![0]!, digest: digestText('other') }] },
    };
    const held = { [taskId('a')]: one, [taskId('b')]: two, [taskId('c')]: other };
    await expect(
      gather(
        ['a', 'b', 'c'].map((name) => partOf(name)),
        held,
      ),
    ).rejects.toMatchObject({
      code: 'data-loss',
      details: { lostTasks: [taskId('b'), taskId('c')].sort(), held: true },
    });
  });
});

describe('what is said of them on the bus', () => {
  it('arrives as it was sent', async () => {
    const held = await holder('w1', 1);
    const task = taskOf('reader');
    const message: TaskMessage = {
      ...{ task, attempt: 2, excludedWorkers: [], mayHold: true },
      held: { [taskId('a')]: held },
    };
    expect(decodeTaskMessage(encodeTaskMessage(message))).toEqual(message);
    const result = {
      stage: 'smooth',
      worker: 'w1',
      attempt: 1,
      seconds: 2,
      busySeconds: 1,
    } as const;
    const facts = { kind: 'committed', taskId: task.id, worker: 'w1', attempt: 1, result } as const;
    const events: WorkerEvent[] = [
      { ...facts, held: held.outputs },
      { ...facts, storingSeconds: 0.5 },
      facts,
    ];
    const sent = joinEvents(events.map(encodeEvent));
    expect(decodeEvents(sent, (reason) => expect.unreachable(String(reason)))).toEqual(events);
  });
});
