// `bivdiff coordinator`: joins the coordinator to NATS, a store directory and gRPC, and runs it until it is told to end.

import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import type { Server, ServerCredentials } from '@grpc/grpc-js';

import { CoordinatorTalk, openNatsBus } from '../../common/bus/nats/index.ts';
import type { NatsAccess } from '../../common/bus/nats/index.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { openStore } from '../../common/store/open-store.ts';
import { WORKER_SILENT_MS } from '../../common/worker-status.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { SharedHolds } from '../../coordinator/run/shared-holds.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { createRpcServer } from '../../coordinator/rpc/server.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { concludeJob } from '../../coordinator/jobs/conclude-job.ts';
import { programVersions } from '../versions.ts';
import type { CoordinatorSecurity } from './security/coordinator-security.ts';
import { Acceptor } from './acceptor.ts';
import { openHttpEndpoint } from './http/http-endpoint.ts';
import { jobNumerics } from './job-numerics.ts';
import { Probes } from './http/probes.ts';
import { CoordinatorMetrics } from './metrics/coordinator-metrics.ts';
import { observed } from './metrics/observed.ts';
import { leadInTurn } from './leading.ts';
import type { ClusterPlace } from '../flags/cluster-place.ts';
import { malformedLogged } from './log.ts';
import { startRenders } from './renders.ts';
import { startScaling } from './scaling.ts';
import type { Scaling } from './scaling.ts';
import type { Log } from './log.ts';
import { ACK_WAIT_MS } from '../flags/farm-settings.ts';

/** How long open calls may take when the program ends. */
const SHUTDOWN_MS = 2_000;

export interface CoordinatorSettings {
  readonly nats: string;
  /** HOST:PORT. */
  readonly listen: string;
  readonly storeFolder: string;
  readonly modelsFolder: string;
  /** As `JobNumericsOptions.named`. */
  readonly numerics?: string | undefined;
  /** Jobs that are over for longer are deleted. @default kept for ever */
  readonly keepJobsMs?: number | undefined;
  readonly natsAccess: NatsAccess;
  readonly security: CoordinatorSecurity;
  readonly limits: FarmLimits;
  /** HOST:PORT for probes and metrics. @default none */
  readonly http?: string | undefined;
  /** The cluster that it runs on, where it is told of one. */
  readonly place?: ClusterPlace | undefined;
  readonly log: Log;
}

/**
 * Runs until the signal aborts.
 * @throws unavailable — NATS, or an address is taken; aborted — another coordinator took over, or the lease was lost
 */
export async function runCoordinator(
  settings: CoordinatorSettings,
  signal: AbortSignal,
): Promise<void> {
  const seen: Seen = { probes: new Probes(), metrics: new CoordinatorMetrics() };
  const { http: address, log } = settings;
  const { probes, metrics } = seen;
  const http = address && (await openHttpEndpoint({ address, probes, metrics: metrics.registry }));
  if (http) log.info({ port: http.port }, 'probes and metrics are served');
  try {
    const { place } = settings;
    const leading = (ending: AbortSignal, onServing?: () => void): Promise<void> => {
      probes.leads = true;
      return lead(settings, { ...seen, ...(onServing && { onServing }) }, ending);
    };
    if (place === undefined) await leading(signal);
    else await leadInTurn({ place, probes, log, lead: leading }, signal);
  } finally {
    if (http) await http.close();
  }
}

/** Where others look at it. */
interface Seen {
  readonly probes: Probes;
  readonly metrics: CoordinatorMetrics;
  /** Called once clients can reach it. */
  readonly onServing?: () => void;
}

async function lead(
  settings: CoordinatorSettings,
  { probes, metrics, onServing }: Seen,
  signal: AbortSignal,
): Promise<void> {
  const { log, security, limits } = settings;
  const { tokens } = security;
  const { registry } = metrics;
  const store = observed(
    await openStore(settings.storeFolder),
    registry.failuresOf('bivdiff_store_errors_total'),
  );
  const bus = await openNatsBus({
    ...settings.natsAccess,
    servers: [settings.nats],
    name: 'coordinator',
    ackWaitMs: ACK_WAIT_MS,
    onMalformed: malformedLogged(log),
  });
  const talk = new CoordinatorTalk(bus);
  const workers = followWorkers(talk, log);
  const coordinator = new Coordinator({
    store,
    bus: observed(bus, registry.failuresOf('bivdiff_bus_errors_total')),
    workers,
    holds: new SharedHolds(talk.dropHeld.bind(talk)),
    clock: systemClock,
    policy: DEFAULT_FAILURE_POLICY,
    nowMs: Date.now,
    name: `${hostname()}/${process.pid}`,
    conclude: (active) => concludeJob(store, active, { versions: programVersions() }),
    ...(settings.keepJobsMs === undefined ? {} : { keepJobsMs: settings.keepJobsMs }),
    ...(tokens === undefined ? {} : { shareOf: (owner) => tokens.shareOf(owner) }),
    onTrouble: (error) => {
      log.warn({ failure: error.toJSON() }, 'trouble, trying again');
    },
    onOutcome: (outcome) => {
      metrics.note(outcome);
    },
  });
  const numerics = jobNumerics({
    named: settings.numerics,
    heard: delay(WORKER_SILENT_MS, undefined, { ref: false }),
    workers: () => workers.alive,
    jobs: () => coordinator.list(),
  });
  const { modelsFolder } = settings;
  const acceptor = new Acceptor(store, { modelsFolder, numerics, workers });
  let scaling: Scaling | undefined;
  const { server, endHealth } = createRpcServer({
    ...{ coordinator, workers, store, tokens, limits },
    ...{ pid: process.pid, drain: talk.drain.bind(talk) },
    accept: (spec, source, sources) => acceptor.accept(spec, source, sources),
    check: (spec, source, sources) => acceptor.check(spec, source, sources),
    checkDraft: (draft) => acceptor.checkDraft(draft),
    warningsOf: (spec, job) => acceptor.warningsOf(spec, job),
    scaling: () => scaling?.says ?? [],
    onRefused: (refusal) => log.warn({ ...refusal }, 'call refused'),
  });
  try {
    await listen(server, settings.listen, security.credentials);
    tokens?.follow(log, signal);
    log.info({ address: settings.listen, pid: process.pid }, 'coordinator listens');
    metrics.lead(() => ({
      numbers: coordinator.numbers,
      workers: workers.alive,
      malformed: bus.malformed.totals,
    }));
    onServing?.();
    probes.unstarted = undefined;
    probes.unready = 'reading which jobs there are';
    void coordinator.known.then(() => {
      if (!signal.aborted) probes.serve();
    });
    const { place } = settings;
    scaling = await startScaling({ place, coordinator, workers, talk, log });
    const renders = await startRenders({
      ...{ place, coordinator, workers, store, acceptor, limits, log },
      hasTokens: tokens !== undefined,
    });
    await coordinator.run(signal).finally(() => Promise.all([scaling?.end(), renders.end()]));
  } finally {
    probes.unready = 'the coordinator ends';
    await shutDown(server, endHealth);
    await bus.close();
    await acceptor.close();
    await store.close();
  }
}

async function shutDown(server: Server, endHealth: () => void): Promise<void> {
  endHealth();
  const grace = setTimeout(() => {
    server.forceShutdown();
  }, SHUTDOWN_MS);
  await new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
  clearTimeout(grace);
}

function followWorkers(talk: CoordinatorTalk, log: Log): WorkerRegistry {
  const workers = new WorkerRegistry(systemClock, {
    onSharedName: (one, other) => {
      const processes = [one, other].map(({ host, pid }) => `${host} ${pid}`);
      log.warn({ worker: one.name, processes }, 'two workers have one name: give each its own');
    },
    onOtherProtocol: ({ name, protocol }) => {
      const versions = { theirs: protocol, ours: PROTOCOL_VERSION };
      log.warn({ worker: name, ...versions }, 'worker of another protocol gets no tasks');
      talk.tellVersion(name);
    },
    onSetAside: (worker, stage) => {
      log.warn({ worker, stage }, 'worker set aside');
    },
  });
  talk.onBeat((status) => {
    workers.note(status);
  });
  talk.answerAddresses((worker) => workers.servedAt(worker));
  talk.answerLoading((question) => workers.costOfLoading(question));
  return workers;
}

async function listen(
  server: Server,
  address: string,
  credentials: ServerCredentials,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, credentials, (error) => {
      if (error === null) resolve();
      else {
        const hint = 'Is another coordinator running? Choose another port with --listen.';
        reject(
          new BivdiffError('unavailable', `cannot listen on ${address}: ${error.message}`, {
            hint,
            cause: error,
          }),
        );
      }
    });
  });
}
