// The farm inside this process: the same coordinator and worker as those of a farm of many processes, joined by the memory bus and a
// store directory. Only the adapters differ.

import { availableParallelism } from 'node:os';

import { PANEL_LABELS } from '../../recipes/panels.ts';
import { LANE_ENTRY } from '../../recipes/lane-entry.ts';
import { createMemoryBus } from '../../common/bus/memory/index.ts';
import type { Bus } from '../../common/bus/ports.ts';
import { BivdiffError } from '../../common/errors.ts';
import { canonicalJson } from '../../common/canonical-json.ts';
import { partsOf } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import { queuesOfWorker } from '../../common/placement.ts';
import { nameSource } from '../../common/sources/source-name.ts';
import type { SourceNames } from '../../common/sources/source-name.ts';
import { putSource } from '../../common/sources/source.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { openStore } from '../../common/store/open-store.ts';
import type { Store, StoreUpkeep } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import { acceptSpec, jobIdOf } from '../../coordinator/domain/accept.ts';
import { unnamedSource } from '../../coordinator/domain/check-sources.ts';
import type { SourceFacts } from '../../coordinator/domain/check-sources.ts';
import { createPlan } from '../../coordinator/domain/plan.ts';
import { putRequest } from '../../coordinator/jobs/job-request.ts';
import { createTaskGraph } from '../../coordinator/domain/task-graph.ts';
import { wantedTasks } from '../../coordinator/run/active-job.ts';
import { SharedHolds } from '../../coordinator/run/shared-holds.ts';
import { surveyStore } from '../../coordinator/run/survey.ts';
import { createLanePool } from '../../workers/inference/lanes/lane-pool.ts';
import type { LanePool } from '../../workers/inference/lanes/lane-pool.ts';
import { partFactsOf } from '../../workers/inference/onnx/part-facts.ts';
import type { Device } from '../../workers/inference/device.ts';
import { ownClasses } from '../../workers/own-classes.ts';
import { HeldResults } from '../../workers/peers/held-results.ts';
import { SourceCache } from '../../workers/stages/source-cache.ts';
import { runStage } from '../../workers/stages/run-stage.ts';
import { CHECKPOINT_SECONDS } from '../../workers/stages/stage-environment.ts';
import type { StageRunnerOptions } from '../../workers/stages/stage-environment.ts';
import type { TensorPeers } from '../../workers/stages/ports.ts';
import { runWorker } from '../../workers/worker.ts';
import type {
  Accepted,
  Farm,
  FarmOptions,
  Forecast,
  RenderOptions,
  RenderResult,
  AcceptOptions,
  RequestLook,
} from '../farm.ts';
import { CutFinder } from '../request/cut-finder.ts';
import { checkLocalMemory } from './check-memory.ts';
import { forecastRender } from './forecast.ts';
import { LocalLook } from './local-look.ts';
import { runRender } from './run-render.ts';

const ACK_WAIT_MS = 30_000;
const LOCAL_WORKER = 'local';
/** Of steps that nobody stores: what is in memory, and what is in files. */
const HELD_LIMITS = { memoryBytesMax: 128 << 20, diskBytesMax: 4 * 2 ** 30 };

/**
 * Opens a farm. Lanes and the worker start with the first render.
 * @throws BivdiffError — the store cannot be used @throws as `before`, and then nothing was written
 */
export async function openLocalFarm(
  options: FarmOptions,
  before?: (look: RequestLook) => Promise<void>,
): Promise<Farm> {
  const look = new LocalLook(options);
  try {
    await before?.(look);
    return new LocalFarm(await openStore(options.storeFolder), look, options);
  } catch (reason) {
    await look.close();
    throw reason;
  }
}

/** What runs tasks; started once, when first needed. */
interface Engine {
  readonly bus: Bus;
  readonly lanes: LanePool;
  readonly sources: SourceCache;
  readonly held: HeldResults;
  readonly holds: SharedHolds;
  /** Resolves when the worker has ended, whether it was stopped or broke. */
  readonly ended: Promise<void>;
  readonly stop: AbortController;
  /** Aborts when the worker breaks, with the reason: then nothing will ever run a task. */
  readonly broken: AbortSignal;
}

class LocalFarm implements Farm {
  readonly store: Store & StoreUpkeep;
  readonly #options: FarmOptions;
  readonly #look: LocalLook;
  readonly #cuts: CutFinder;
  readonly #parts = new Map<Digest, ModelPart>();
  #engine: Engine | undefined;

  constructor(store: Store & StoreUpkeep, look: LocalLook, options: FarmOptions) {
    this.store = store;
    this.#options = options;
    this.#look = look;
    this.#cuts = new CutFinder(look.media);
  }

  async accept(
    spec: RenderSpec,
    { onCutSearch: onFrame, ...options }: AcceptOptions = {},
  ): Promise<Accepted> {
    const models = await this.#openModels(spec.models);
    const seen = await this.#see(spec.input.path, options);
    const seenSources: Record<string, SourceFacts> = {};
    for (const { name, path } of furtherSources(spec)) {
      seenSources[name] = await this.#see(path, options);
    }
    const { path } = seen;
    const first = await this.#cuts.withCuts(seen, { spec, path, clip: path, ...options, onFrame });
    const device = await this.#look.openDevice(options);
    const partOf = partFactsOf(models);
    const numerics = ownClasses(device.inferenceClass);
    const request = { spec, models, numerics, partOf };
    // Sources may be large: what is wrong is told before they are copied.
    const unnamed = acceptSpec({ ...request, source: first, sources: seenSources });
    const { sizeMultiple } = models;
    const memoryBytes = this.#memoryOf(device);
    checkLocalMemory(unnamed, { ...this.#slots, memoryBytes, partOf, sizeMultiple });
    const source = await this.#take(first, options);
    const sources: Record<string, SourceFacts> = {};
    for (const [name, one] of Object.entries(seenSources)) {
      sources[name] = await this.#take(one, options);
    }
    const job = acceptSpec({ ...request, source, sources });
    const jobId = jobIdOf(job);
    await this.store.putDocument(
      { kind: 'spec', id: jobId },
      Buffer.from(canonicalJson(job as never)),
    );
    await putRequest(this.store, jobId, spec);
    return { jobId, job, spec, models, source, sources };
  }

  async foresee(accepted: Accepted): Promise<Forecast> {
    const graph = createTaskGraph(createPlan(accepted.job));
    const wanted = wantedTasks(graph);
    const survey = await surveyStore(graph, this.store, wanted);
    const memoryBytes = this.#memoryOf(await this.#look.openDevice({}));
    const { store } = this;
    return forecastRender({ accepted, graph, survey, wanted, store, memoryBytes, ...this.#slots });
  }

  async render(accepted: Accepted, options: RenderOptions): Promise<RenderResult> {
    const device = await this.#look.openDevice(options);
    this.#engine ??= this.#start(device);
    const { bus, broken, holds, lanes } = this.#engine;
    const signal = AbortSignal.any([
      broken,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    const onIdleParts =
      options.isLast === true ? { onIdleParts: lanes.drop.bind(lanes) } : undefined;
    const job = { accepted, store: this.store, bus, holds, ...this.#slots, ...onIdleParts };
    try {
      return await runRender(job, { ...options, signal });
    } catch (reason) {
      if (broken.aborted) throw BivdiffError.from(broken.reason, 'the worker broke');
      throw nameSource(BivdiffError.from(reason), namesOf(accepted));
    }
  }

  async close(): Promise<void> {
    if (this.#engine !== undefined) {
      const { stop, ended, lanes, bus, sources, held } = this.#engine;
      stop.abort();
      await ended;
      await lanes.close();
      await bus.close();
      await sources.close();
      await held.close();
    }
    await this.#look.close();
    await this.store.close();
  }

  get #slots(): { readonly slots: number; readonly threads: number } {
    const { slots, threadsPerSlot } = this.#options;
    const threads = threadsPerSlot ?? Math.max(1, Math.floor(availableParallelism() / slots));
    return { slots, threads };
  }

  #memoryOf(device: Device): number {
    return this.#options.memoryBytes ?? device.memoryBytes;
  }

  #start(device: Device): Engine {
    const { slots, threads } = this.#slots;
    const lanes = createLanePool({
      entry: LANE_ENTRY,
      lanes: slots,
      threadsPerLane: threads,
      executionProviders: [device.executionProvider],
      memoryLimitBytes: this.#memoryOf(device),
    });
    const bus = createMemoryBus({ ackWaitMs: ACK_WAIT_MS });
    const sources = new SourceCache(this.store);
    const held = new HeldResults(HELD_LIMITS);
    const holds = new SharedHolds((_worker, digests) => {
      for (const digest of digests) held.drop(digest);
    });
    const stop = new AbortController();
    const broken = new AbortController();
    const stages: StageRunnerOptions = {
      ...{ store: this.store, lanes, media: this.#look.media, sources, panelLabels: PANEL_LABELS },
      ...{ worker: LOCAL_WORKER, checkpointSeconds: CHECKPOINT_SECONDS, peers: ownTensors(held) },
      findPart: async (digest) => this.#parts.get(digest),
    };
    const ended = runWorker(
      {
        name: LOCAL_WORKER,
        bus,
        store: this.store,
        runTask: (task, run) => runStage(task, stages, run),
        slots,
        queues: queuesOfWorker(['idm', 'mixer', 'vdm'], ownClasses(device.inferenceClass)),
        ackWaitMs: ACK_WAIT_MS,
      },
      stop.signal,
    ).catch((reason: unknown) => {
      broken.abort(reason);
    });
    return { bus, lanes, sources, held, holds, stop, ended, broken: broken.signal };
  }

  async #see(path: string, options: { readonly signal?: AbortSignal }): Promise<SourceFacts> {
    const { frames, width, height, alpha, sound } = await this.#look.see(path, options);
    return unnamedSource({ path, frames, width, height, alpha, sound });
  }

  /** Puts it into the store. */
  async #take(seen: SourceFacts, options: { readonly signal?: AbortSignal }): Promise<SourceFacts> {
    return { ...seen, ...(await putSource(this.store, seen.path, options)) };
  }

  async #openModels(name: string | undefined): Promise<ModelSet> {
    const models = await this.#look.openModels(name);
    for (const part of partsOf(models)) this.#parts.set(part.digest, part);
    return models;
  }
}

/** Of the one worker that there is: what it holds is at hand, all else in the store. */
function ownTensors(held: HeldResults): TensorPeers {
  return {
    keep: () => undefined,
    read: async () => undefined,
    hold: held.hold.bind(held),
    readHeld: async ({ digest }, _worker, runs) => (await held.read(digest, runs))?.slices,
  };
}

function namesOf({ source, sources }: Accepted): SourceNames {
  const others = Object.values(sources).map(({ digest, path }) => [digest, path]);
  return { source: source.path, others: Object.fromEntries(others) as Record<string, string> };
}
