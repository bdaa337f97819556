// RenderService over gRPC: translates, checks, and asks the coordinator. Knows nothing of how jobs run.

import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import { isDigest } from '../../common/digest.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type {
  RenderServiceServer,
  SubmitJobRequest,
  SubmitJobResponse,
  WatchJobRequest,
  WatchJobResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import type { StoredSource } from '../../common/source.ts';
import { parseRenderSpec } from '../../common/spec/parse.ts';
import type { RenderSpec } from '../../common/spec/schema.ts';
import type { Store } from '../../common/store/ports.ts';
import { PROTOCOL_VERSION } from '../../common/worker-status.ts';
import type { Coordinator } from '../coordinator.ts';
import type { AcceptedJob } from '../domain/job.ts';
import { isOver } from '../job-log.ts';
import type { JobState } from '../job-log.ts';
import type { JobView } from '../job-book.ts';
import type { WorkerRegistry } from '../worker-registry.ts';
import { jobMessage, workerMessage } from './job-message.ts';
import { unary } from '../../common/rpc/unary.ts';
import { listFrames } from './list-frames.ts';
import { watchLog } from './watch-log.ts';

/** Changes closer together than this are sent as one. */
const WATCH_INTERVAL_MS = 100;
/** Unsent messages of one watcher; one that is slower is told to come again. */
const WATCH_BYTES_MAX = 1 << 20;
const PRIORITY_MAX = 100;

export interface RenderServiceOptions {
  readonly coordinator: Coordinator;
  readonly workers: WorkerRegistry;
  readonly store: Store;
  /** Looks at source and models and turns the spec into a job. @throws invalid-argument — all problems */
  readonly accept: (spec: RenderSpec, source: StoredSource) => Promise<AcceptedJob>;
  readonly drain: (worker: string) => void;
  readonly pid: number;
}

export function createRenderService(options: RenderServiceOptions): RenderServiceServer {
  const { coordinator, workers, store } = options;
  const message = (view: JobView): Promise<Job> => jobMessage(view, store);
  const answer = async (view: JobView | Promise<JobView>): Promise<{ job: Job }> => ({
    job: await message(await view),
  });
  return {
    submitJob: unary((request: SubmitJobRequest) => submit(options, request)),
    getJob: unary(({ id }) => answer(coordinator.get(id))),
    listJobs: unary(async () => ({ jobs: await Promise.all(coordinator.list().map(message)) })),
    watchJob: (call) => {
      watch(call, { coordinator, message });
    },
    watchLog: (call) => {
      streamed(call, () => watchLog(call, coordinator));
    },
    listFrames: (call) => {
      streamed(call, () => {
        const { jobId } = coordinator.get(call.request.id);
        return listFrames(call, { store, jobId });
      });
    },
    cancelJob: unary(({ id }) => answer(coordinator.cancel(id))),
    pauseJob: unary(({ id }) => answer(coordinator.pause(id))),
    resumeJob: unary(({ id }) => answer(coordinator.resume(id))),
    deleteJob: unary(async ({ id }) => ({ id: await coordinator.delete(id) })),
    setPriority: unary(({ id, priority }) => {
      checkPriority(priority);
      return answer(coordinator.setPriority(id, priority));
    }),
    listWorkers: unary(async () => ({
      workers: workers.alive.map((worker) =>
        workerMessage(worker, workers.stagesWithout(worker.name)),
      ),
      coordinatorPid: options.pid,
      protocol: PROTOCOL_VERSION,
    })),
    drainWorker: unary(async ({ name }) => {
      if (!workers.alive.some((worker) => worker.name === name)) {
        const hint = 'bivdiff workers shows who is there.';
        throw new BivdiffError('not-found', `no worker ${name}`, { hint });
      }
      options.drain(name);
      return {};
    }),
  };
}

/** A stream that ends when the work does. */
function streamed<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  work: () => Promise<void>,
): void {
  void Promise.resolve()
    .then(work)
    .then(
      () => call.end(),
      (reason: unknown) => call.emit('error', statusOfError(reason)),
    );
}

async function submit(
  options: RenderServiceOptions,
  request: SubmitJobRequest,
): Promise<SubmitJobResponse> {
  const { protocol, priority, sourceKind, sourceDigest } = request;
  if (protocol !== PROTOCOL_VERSION) {
    throw new BivdiffError(
      'failed-precondition',
      `this client speaks protocol ${protocol}, the coordinator ${PROTOCOL_VERSION}`,
      { hint: 'Use the same version of bivdiff for both.' },
    );
  }
  checkPriority(priority);
  if ((sourceKind !== 'video' && sourceKind !== 'folder') || !isDigest(sourceDigest)) {
    throw new BivdiffError('invalid-argument', 'the request names no uploaded source');
  }
  const spec = parseRenderSpec(withoutAbsent(request.spec), 'the request');
  if (spec.models !== undefined && !/^[a-z0-9_-]+$/i.test(spec.models)) {
    throw new BivdiffError(
      'invalid-argument',
      `models: ${spec.models} is no name of a model set; the coordinator takes names, not paths`,
    );
  }
  const job = await options.accept(spec, { kind: sourceKind, digest: sourceDigest });
  const view = await options.coordinator.submit(job, { name: spec.name ?? '', priority });
  return { job: await jobMessage(view, options.store) };
}

function watch(
  call: ServerWritableStream<WatchJobRequest, WatchJobResponse>,
  { coordinator, message }: { coordinator: Coordinator; message: (view: JobView) => Promise<Job> },
): void {
  const { id } = call.request;
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    clearTimeout(timer);
    unwatch?.();
  };
  const fail = (reason: unknown): void => {
    end();
    call.emit('error', statusOfError(reason));
  };
  const send = async (): Promise<void> => {
    timer = undefined;
    const job = await message(coordinator.get(id));
    if (hasEnded) return;
    if (call.writableLength > WATCH_BYTES_MAX) {
      throw new BivdiffError('resource-exhausted', 'this watcher reads too slowly', {
        hint: 'Watch again: the job goes on.',
      });
    }
    call.write({ job });
    if (!isOver(job.state as JobState)) return;
    end();
    call.end();
  };
  let unwatch: (() => void) | undefined;
  try {
    unwatch = coordinator.watch(id, () => {
      timer ??= setTimeout(() => void send().catch(fail), WATCH_INTERVAL_MS);
    });
  } catch (reason) {
    fail(reason);
    return;
  }
  call.on('cancelled', end);
  void send().catch(fail);
}

function checkPriority(priority: number): void {
  if (Number.isInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX) return;
  throw new BivdiffError(
    'invalid-argument',
    `priority: expected 0 to ${PRIORITY_MAX}, got ${priority}`,
  );
}

/** Absent fields are undefined in messages and missing in specs. */
function withoutAbsent(spec: unknown): unknown {
  return JSON.parse(JSON.stringify(spec ?? null));
}
