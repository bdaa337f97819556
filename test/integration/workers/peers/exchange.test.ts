// What steps of windows read of each other, over real servers: the frames that overlap and no others, as many bytes as there are on paper.

import { afterEach, expect, it } from 'vitest';

import { bytesOnPaper, overlaps } from '../../../../bench/wavefront/exchange.ts';
import type { HeldResult } from '../../../../common/bus/ports.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { TaskId } from '../../../../common/task.ts';
import { createPlan, tasksOfNode } from '../../../../coordinator/domain/plan.ts';
import { HeldResults } from '../../../../workers/peers/held-results.ts';
import { MadeCache } from '../../../../workers/peers/made-cache.ts';
import { startPeerServer } from '../../../../workers/peers/peer-server.ts';
import type { PeerServer } from '../../../../workers/peers/peer-server.ts';
import { PeerTensors } from '../../../../workers/peers/peer-tensors.ts';
import { gatherInput } from '../../../../workers/stages/artifacts.ts';
import { BusyClock } from '../../../../workers/stages/busy-clock.ts';
import { holdOutputs } from '../../../../workers/stages/float-tensors.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const LATENTS = [4, 8, 8];
const VALUES = 256;
const CUT = { frames: 21, window: 8, stride: 3, steps: 4 };
const store = createMemoryStore({ files: new Map() });

interface Worker {
  readonly held: HeldResults;
  readonly server: PeerServer;
  readonly peers: PeerTensors;
}

let workers: Worker[] = [];
afterEach(async () => {
  for (const { held, server, peers } of workers.splice(0)) {
    peers.close();
    server.close();
    await held.close();
  }
});

async function startWorker(): Promise<Worker> {
  const held = new HeldResults({ memoryBytesMax: 1 << 24, diskBytesMax: 0 });
  const made = new MadeCache(0);
  const server = await startPeerServer('127.0.0.1:0', made.get.bind(made), { held });
  const tally = { hits: 0, misses: 0, fallbacks: 0 };
  const addressOf = (name: string): string => `127.0.0.1:${workers[Number(name)]!.server.port}`;
  return { held, server, peers: new PeerTensors({ made, held, addressOf, tally }) };
}

it.each([1, 2, 4])('is the overlap, in blocks of %i windows', async (block) => {
  const { frames, window, stride, steps } = CUT;
  workers = [await startWorker(), await startWorker()];
  const workerOf = (index: number): Worker => workers[index % 2]!;
  const long = { mode: 'co-denoise', stride, block } as const;
  const plan = createPlan(acceptedJob({ frames, window, steps, strength: 1, long }));
  const nodes = plan.nodes.filter(({ stage }) => stage === 'smooth');
  expect(nodes).toHaveLength(steps);
  const held: Record<TaskId, HeldResult> = {};
  const valueOf = new Map<TaskId, number>();
  for (const node of nodes) {
    for (const ref of tasksOfNode(node)) {
      const task = plan.task(ref);
      const { peers } = workerOf(ref.index);
      const parts = task.inputs['latents']!;
      if (node !== nodes[0]) {
        const access = { store, peers, held, codecs: new BusyClock() };
        const { data } = await gatherInput(access, parts);
        const wanted = parts.flatMap((part) =>
          Array.from({ length: part.count }, (_, i) => valueOf.get(part.task)! + part.offset + i),
        );
        expect(wanted.map((_, frame) => data[(frame + 1) * VALUES - 1])).toEqual(wanted);
      }
      // As many frames as its windows have; each says which it is.
      const count = Math.ceil((frames - window) / stride + 1 - ref.index * block);
      const latents = floatTensor([Math.min(block, count) * window, ...LATENTS]);
      const first = 1_000 * valueOf.size;
      for (let at = 0; at < latents.data.length; at += 1) {
        latents.data[at] = first + Math.floor(at / VALUES);
      }
      valueOf.set(task.id, first);
      held[task.id] = {
        worker: String(ref.index % 2),
        outputs: await holdOutputs({ latents }, peers.hold!),
      };
    }
  }
  const read = workers.map(({ peers }) => peers.stepBytes);
  const [own, peer] = [read[0]!.own + read[1]!.own, read[0]!.peer + read[1]!.peer];
  const frameBytes = 4 * VALUES;
  const paper = bytesOnPaper({ ...CUT, block, frameBytes });
  const moved = overlaps({ ...CUT, block })
    .filter(({ reader, made }) => reader % 2 !== made % 2)
    .reduce((sum, { frames: count }) => sum + count * frameBytes * (steps - 1), 0);
  expect({ all: own + peer, peer }).toEqual({ all: paper.own + paper.neighbours, peer: moved });
});
