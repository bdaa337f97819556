// `npm run bench:wavefront`: a long clip's windows, step by step, on eight worker processes; and the same bodies with a barrier after each step.
// Real: nats-server, bus, store, worker loop, stage runner, exchange of latents between workers. Slept over: the models.
// `--frames N`, `--steps N`, `--block N` for a shorter look.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ACK_WAIT_MS } from '../../cli/flags/farm-settings.ts';
import { startNatsServer } from '../../cli/programs/nats-server.ts';
import { CoordinatorTalk, openNatsBus } from '../../common/bus/nats/index.ts';
import { openFileStore } from '../../common/store/file/index.ts';
import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../common/node-flags.ts';
import type { JobId } from '../../common/task.ts';
import { runJobAlone } from '../../coordinator/dispatch/run-alone.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { createPlan, tasksOfNode } from '../../coordinator/domain/plan.ts';
import type { Plan } from '../../coordinator/domain/plan.ts';
import { createTaskGraph } from '../../coordinator/domain/task-graph.ts';
import type { TaskGraph, TaskNumber } from '../../coordinator/domain/task-graph.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { SharedHolds } from '../../coordinator/run/shared-holds.ts';
import { freePort } from '../../test/support/network/ports.ts';
import { benchJob } from '../bench-job.ts';
import { bytesOnPaper, overlaps } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { FRAMES, LATENTS, STEPS, STRIDE, WINDOW, WORKERS } from './settings.ts';

const READY_MS = 30_000;
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: String(FRAMES) },
    steps: { type: 'string', default: String(STEPS) },
    block: { type: 'string', default: '1' },
  },
});

const frames = Number(values.frames);
const steps = Number(values.steps);
const cut: Exchange = {
  ...{ frames, window: WINDOW, stride: STRIDE, block: Number(values.block), steps },
  frameBytes: 4 * LATENTS.reduce<number>((size, axis) => size * axis, 1),
};

/** What workers have read of steps, and where it was. */
interface Gathered {
  own: number;
  peer: number;
  fallbacks: number;
  /** Still held at the end. */
  heldBytes: number;
}

interface Run {
  /** From the first step's beginning to the last one's end. */
  readonly seconds: number;
  readonly sleptSeconds: number;
  readonly tasks: number;
  readonly began: number;
  readonly stored: number;
  readonly gathered: Gathered;
  /** Tasks after the first step that ran where the step before of their block was made. */
  readonly stayed: number;
  /** Of what was read, what one worker made and another read, by who made what. */
  readonly movedBytes: number;
}

for (const isGang of [false, true]) {
  const run = await measure(isGang);
  const ideal = run.sleptSeconds / WORKERS;
  const what = isGang ? 'a barrier after each step' : 'wavefront';
  const { tasks, began, stored, seconds } = run;
  console.log(
    `${what.padEnd(26)} ${tasks} tasks (${began} begun, ${stored} stored): ${seconds.toFixed(1)} s, ${(ideal / seconds).toFixed(3)} of the ideal (${ideal.toFixed(1)} s), ${((WORKERS * ideal) / seconds).toFixed(2)} times one worker`,
  );
  console.log(exchangeText(run));
}

function exchangeText({ gathered, stayed, movedBytes, tasks }: Run): string {
  const paper = bytesOnPaper(cut);
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const { own, peer, fallbacks, heldBytes } = gathered;
  const later = tasks - tasks / steps;
  const agrees = own + peer === paper.own + paper.neighbours && peer === movedBytes;
  return [
    `  steps read ${mib(own + peer)} of steps; on paper ${mib(paper.own)} of their own block and ${mib(paper.neighbours)} of others, together ${mib(paper.own + paper.neighbours)}`,
    `  between workers went ${mib(peer)}; by who made what, on paper ${mib(movedBytes)}: ${agrees ? 'they agree' : `they DIFFER (${fallbacks} reads failed)`}`,
    `  ${stayed} of ${later} tasks (${((100 * stayed) / later).toFixed(0)} %) ran where the step before of their block was held; ${mib(heldBytes)} are held at the end`,
  ].join('\n');
}

/** `isGang`: no step of any block before all of the step before. */
function planOf(isGang: boolean): Plan {
  const plan = createPlan({
    ...benchJob(frames),
    ...{ window: WINDOW, steps, strength: 1, seed: isGang ? 1 : 0 },
    long: { mode: 'co-denoise', stride: STRIDE, block: cut.block },
  });
  const nodes = plan.nodes.filter(({ stage }) => stage === 'encode' || stage === 'smooth');
  return {
    ...plan,
    nodes,
    task: (ref) => {
      const task = plan.task(ref);
      return ref.node === 'encode' ? { ...task, inputs: {} } : task;
    },
    dependencies: (ref) => {
      if (ref.node === 'encode') return [];
      const before = nodes[nodes.findIndex(({ name }) => name === ref.node) - 1]!;
      return isGang && before.stage === 'smooth' ? tasksOfNode(before) : plan.dependencies(ref);
    },
  };
}

async function measure(isGang: boolean): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-bench-'));
  const nats = await startNatsServer();
  const bus = await openNatsBus({ servers: [nats.url], name: 'bench', ackWaitMs: ACK_WAIT_MS });
  const talk = new CoordinatorTalk(bus);
  const store = await openFileStore(join(folder, 'store'));
  const names = Array.from({ length: WORKERS }, (_, i) => `w${i}`);
  const peers: Record<string, string> = {};
  for (const name of names) peers[name] = `127.0.0.1:${await freePort()}`;
  const workers = await Promise.all(
    names.map((name) => startWorker({ name, peers, nats: nats.url, store: join(folder, 'store') })),
  );
  try {
    const graph = createTaskGraph(planOf(isGang));
    const [first, last] = [
      graph.plan.nodes.find(({ stage }) => stage === 'smooth')!,
      graph.plan.nodes.at(-1)!,
    ];
    const wanted = tasksOfNode(last).map((ref) => graph.number(ref));
    let [begunMs, endMs, sleptSeconds, began, stored] = [Infinity, 0, 0, 0, 0];
    const makers = new Map<TaskNumber, string>();
    await runJobAlone({
      ...{ jobId: 'bench' as JobId, graph, wanted, store, bus },
      holds: new SharedHolds((worker, digests) => {
        talk.dropHeld(worker, digests);
      }),
      ...{ clock: systemClock, policy: DEFAULT_FAILURE_POLICY, slotsOf: () => WORKERS },
      observer: {
        surveyed: () => undefined,
        event: (task, event) => {
          if (graph.stage(task) !== 'smooth') return;
          if (event.kind === 'started') {
            began += 1;
            begunMs = Math.min(begunMs, performance.now());
          }
          if (event.kind !== 'committed') return;
          sleptSeconds += event.result.busySeconds;
          if (event.storingSeconds !== undefined) stored += 1;
          makers.set(task, event.result.worker);
          endMs = performance.now();
        },
      },
    });
    const tasks = first.count * steps;
    const gathered = await gatheredBy(workers);
    const seconds = (endMs - begunMs) / 1000;
    const moved = movesOf(graph, makers);
    return { seconds, sleptSeconds, tasks, began, stored, gathered, ...moved };
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await bus.close();
    await store.close();
    await nats.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function movesOf(graph: TaskGraph, makers: ReadonlyMap<TaskNumber, string>) {
  let [stayed, movedBytes] = [0, 0];
  const pairs = overlaps(cut);
  const makerOf = (node: string, index: number) => makers.get(graph.number({ node, index }));
  const names = graph.plan.nodes.flatMap(({ name, stage }) => (stage === 'smooth' ? [name] : []));
  for (const [step, name] of names.entries()) {
    const before = names[step - 1];
    if (before === undefined) continue;
    for (const { reader, made, frames: shared } of pairs) {
      const isHere = makerOf(name, reader) === makerOf(before, made);
      if (!isHere) movedBytes += shared * cut.frameBytes;
      else if (reader === made) stayed += 1;
    }
  }
  return { stayed, movedBytes };
}

/** What they have gathered, told when they end. */
async function gatheredBy(workers: readonly ChildProcess[]): Promise<Gathered> {
  const sum: Gathered = { own: 0, peer: 0, fallbacks: 0, heldBytes: 0 };
  for (const worker of workers) {
    const told = once(worker, 'message', { signal: AbortSignal.timeout(READY_MS) });
    worker.kill('SIGTERM');
    const [{ own, peer, fallbacks, heldBytes }] = (await told) as [Gathered];
    sum.own += own;
    sum.peer += peer;
    sum.fallbacks += fallbacks;
    sum.heldBytes += heldBytes;
  }
  return sum;
}

async function startWorker(options: {
  readonly name: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly nats: string;
  readonly store: string;
}): Promise<ChildProcess> {
  const { name, nats, store } = options;
  const args = [
    '--name',
    name,
    '--nats',
    nats,
    '--store',
    store,
    '--peers',
    JSON.stringify(options.peers),
  ];
  const child = fork(join(import.meta.dirname, 'window-worker.ts'), args, {
    execArgv: [...NODE_FLAGS],
    env: { ...NODE_ENVIRONMENT, ...process.env },
  });
  await once(child, 'message', { signal: AbortSignal.timeout(READY_MS) });
  return child;
}
