// `bivdiff coordinator`: joins the coordinator to NATS, a store directory and gRPC, and runs it until it is told to end.

import { hostname } from 'node:os';

import type { Server, ServerCredentials } from '@grpc/grpc-js';

import { CoordinatorTalk, openNatsBus } from '../../common/bus/nats/index.ts';
import type { NatsAccess } from '../../common/bus/nats/index.ts';
import { BivdiffError } from '../../common/errors.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { nameSource } from '../../common/sources/source-name.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import { openStore } from '../../common/store/open-store.ts';
import type { Store } from '../../common/store/ports.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { acceptSpec } from '../../coordinator/domain/accept.ts';
import { DEFAULT_FAILURE_POLICY } from '../../coordinator/domain/failure-policy.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { createRpcServer } from '../../coordinator/rpc/server.ts';
import { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { VideoFacts } from '../../workers/media/media-types.ts';
import { SourceCache } from '../../workers/stages/source-cache.ts';
import { concludeJob } from '../../coordinator/jobs/conclude-job.ts';
import { programVersions } from '../versions.ts';
import type { CoordinatorSecurity } from './security/coordinator-security.ts';
import { malformedLogged } from './log.ts';
import type { Log } from './log.ts';
import { ModelLibrary } from './model-library.ts';
import { ModelPublisher } from './publish-models.ts';
import { ACK_WAIT_MS } from '../flags/farm-settings.ts';
import { cutPrompts } from '../request/cut-prompts.ts';

/** How long open calls may take when the program ends. */
const SHUTDOWN_MS = 2_000;

export interface CoordinatorSettings {
  readonly nats: string;
  /** HOST:PORT. */
  readonly listen: string;
  readonly storeFolder: string;
  readonly modelsFolder: string;
  /** The class of the inference of the jobs that it takes. @default this machine's processors' */
  readonly numerics?: string | undefined;
  /** Jobs that are over for longer are deleted. @default kept for ever */
  readonly keepJobsMs?: number | undefined;
  readonly natsAccess: NatsAccess;
  readonly security: CoordinatorSecurity;
  readonly limits: FarmLimits;
  readonly log: Log;
}

/** Runs until the signal aborts. @throws unavailable — NATS or the port; aborted — another coordinator took over */
export async function runCoordinator(
  settings: CoordinatorSettings,
  signal: AbortSignal,
): Promise<void> {
  const { log, security, limits } = settings;
  const { tokens } = security;
  const store = await openStore(settings.storeFolder);
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
    bus,
    workers,
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
  });
  const acceptor = new Acceptor(store, settings);
  const { server, endHealth } = createRpcServer({
    ...{ coordinator, workers, store, tokens, limits },
    accept: (spec, source) => acceptor.accept(spec, source),
    warningsOf: (spec, job) => acceptor.warningsOf(spec, job),
    drain: (worker) => {
      talk.drain(worker);
    },
    pid: process.pid,
    onRefused: (refusal) => {
      log.warn({ ...refusal }, 'call refused');
    },
  });
  try {
    await listen(server, settings.listen, security.credentials);
    tokens?.follow(log, signal);
    log.info({ address: settings.listen, pid: process.pid }, 'coordinator listens');
    await coordinator.run(signal);
  } finally {
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
    await bus.close();
    await acceptor.close();
    await store.close();
  }
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

/** Turns specs into jobs: looks at the uploaded source in a media process, and at the models. */
class Acceptor {
  readonly #media: MediaService = createMediaService();
  readonly #sources: SourceCache;
  readonly #models: ModelLibrary;
  readonly #publisher: ModelPublisher;
  readonly #numerics: NumericsClasses;

  constructor(store: Store, { modelsFolder, numerics }: CoordinatorSettings) {
    this.#sources = new SourceCache(store);
    this.#models = new ModelLibrary(modelsFolder);
    this.#numerics = ownClasses(numerics);
    this.#publisher = new ModelPublisher(store);
  }

  async accept(spec: RenderSpec, source: StoredSource): Promise<AcceptedJob> {
    const models = await this.#models.open(spec.models);
    const facts = await this.#probe(source).catch((reason: unknown) => {
      throw nameSource(BivdiffError.from(reason), spec.input.path);
    });
    const job = acceptSpec({
      spec,
      models,
      source: { ...source, path: spec.input.path, frames: facts.frames, alpha: facts.alpha },
      numerics: this.#numerics,
    });
    // Before anybody can be given a task of it.
    await this.#publisher.publish(models, job);
    return job;
  }

  async warningsOf(spec: RenderSpec, job: AcceptedJob): Promise<readonly string[]> {
    return cutPrompts(job, await this.#models.open(spec.models));
  }

  async #probe(source: StoredSource): Promise<VideoFacts> {
    await using held = await this.#sources.hold(source);
    return await this.#media.probe(held.path);
  }

  async close(): Promise<void> {
    await this.#media.close();
    await this.#sources.close();
  }
}
