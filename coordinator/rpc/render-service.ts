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
import { RenderSpec as SpecMessage } from '../../common/gen/bivdiff/v1/render_spec.ts';
import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { unary } from '../../common/rpc/unary.ts';
import type { StoredSource } from '../../common/source.ts';
import { parseRenderSpec } from '../../recipes/spec/parse.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest, JobId } from '../../common/task.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import type { Coordinator } from '../coordinator.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { isOver } from '../jobs/job-log.ts';
import type { JobState } from '../jobs/job-log.ts';
import type { JobView } from '../jobs/known-jobs.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { ArtifactRights } from './access/artifact-rights.ts';
import { Authorizer } from './access/authorizer.ts';
import type { Caller } from './access/caller.ts';
import { jobMessage, workerMessage } from './job-message.ts';
import { changeableJob, scopeOf } from './access/job-scope.ts';
import { listFrames } from './list-frames.ts';
import { checkSpecLimits } from './spec-limits.ts';
import { WatchCount } from './watch-count.ts';
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
  /** Who calls. @default everybody may do everything */
  readonly authorizer?: Authorizer;
  /** Whose sources are whose. @default everybody's are everybody's */
  readonly rights?: ArtifactRights;
  readonly limits?: FarmLimits;
}

export function createRenderService(options: RenderServiceOptions): RenderServiceServer {
  const { coordinator, workers, store, authorizer = new Authorizer() } = options;
  const limits = options.limits ?? DEFAULT_LIMITS;
  const watches = new WatchCount(limits.watches);
  const answer = async (
    view: JobView | Promise<JobView>,
    caller: Caller,
  ): Promise<{ job: Job }> => ({ job: await jobMessage(await view, store, caller) });
  const change = (
    act: (jobId: JobId, request: { readonly priority?: number }) => Promise<JobView>,
  ) =>
    unary((request: { readonly id: string; readonly priority?: number }, call) => {
      const caller = authorizer.callerOf(call);
      return answer(act(changeableJob(coordinator, caller, request.id), request), caller);
    });
  return {
    submitJob: unary((request: SubmitJobRequest, call) =>
      submit({ ...options, limits }, { request, caller: authorizer.callerOf(call) }),
    ),
    getJob: unary(({ id }, call) => {
      const caller = authorizer.callerOf(call);
      return answer(coordinator.get(id, scopeOf(caller)), caller);
    }),
    listJobs: unary(async (_, call) => {
      const caller = authorizer.callerOf(call);
      const views = coordinator.list(scopeOf(caller));
      return { jobs: await Promise.all(views.map((view) => jobMessage(view, store, caller))) };
    }),
    watchJob: (call) => {
      try {
        const caller = authorizer.callerOf(call);
        const { jobId } = coordinator.get(call.request.id, scopeOf(caller));
        const message = (view: JobView): Promise<Job> => jobMessage(view, store, caller);
        watch(call, { coordinator, message, jobId, onEnd: watches.begin(caller.name) });
      } catch (reason) {
        call.emit('error', statusOfError(reason));
      }
    },
    watchLog: (call) => {
      streamed(call, async () => {
        const caller = authorizer.callerOf(call);
        const source = coordinator.logOf(call.request.id, scopeOf(caller));
        const onEnd = watches.begin(caller.name);
        await watchLog(call, source).finally(onEnd);
      });
    },
    listFrames: (call) => {
      streamed(call, () => {
        const caller = authorizer.callerOf(call);
        const { jobId } = coordinator.get(call.request.id, scopeOf(caller));
        const onFrames = (digests: readonly Digest[]): void => {
          options.rights?.noteFrames(caller, digests);
        };
        return listFrames(call, { store, jobId, onFrames });
      });
    },
    cancelJob: change((id) => coordinator.cancel(id)),
    pauseJob: change((id) => coordinator.pause(id)),
    resumeJob: change((id) => coordinator.resume(id)),
    deleteJob: unary(async ({ id }, call) => {
      const jobId = changeableJob(coordinator, authorizer.callerOf(call), id);
      return { id: await coordinator.delete(jobId) };
    }),
    setPriority: change(async (id, { priority = 0 }) => {
      checkPriority(priority);
      return coordinator.setPriority(id, priority);
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
  options: RenderServiceOptions & { readonly limits: FarmLimits },
  { request, caller }: { readonly request: SubmitJobRequest; readonly caller: Caller },
): Promise<SubmitJobResponse> {
  const { limits } = options;
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
  const message = request.spec && SpecMessage.encode(request.spec).finish();
  const spec = parseRenderSpec(specOfMessage(request.spec), 'the request');
  checkSpecLimits(spec, limits, message?.byteLength);
  const source: StoredSource = { kind: sourceKind, digest: sourceDigest };
  await options.rights?.checkSource(caller, source);
  const job = await options.accept(spec, source);
  checkSpecLimits({ ...job, size: job }, limits);
  const whose = caller.owner === '' ? {} : { owner: caller.owner };
  const submission = { name: spec.name ?? '', priority, ...whose };
  const view = await options.coordinator.submit(job, submission);
  return { job: await jobMessage(view, options.store, caller) };
}

interface Watching {
  readonly coordinator: Coordinator;
  readonly message: (view: JobView) => Promise<Job>;
  readonly jobId: JobId;
  readonly onEnd: () => void;
}

function watch(
  call: ServerWritableStream<WatchJobRequest, WatchJobResponse>,
  { coordinator, message, jobId, onEnd }: Watching,
): void {
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    clearTimeout(timer);
    unwatch?.();
    onEnd();
  };
  const fail = (reason: unknown): void => {
    end();
    call.emit('error', statusOfError(reason));
  };
  const send = async (): Promise<void> => {
    timer = undefined;
    const job = await message(coordinator.get(jobId));
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
    unwatch = coordinator.watch(jobId, () => {
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

/** Absent fields are undefined in messages and missing in specs; settings without a field of their own stand beside the others. */
function specOfMessage(message: SpecMessage | undefined): unknown {
  if (message === undefined) return null;
  const { taskSettingsJson, ...spec } = message;
  return { ...settingsOf(taskSettingsJson), ...(JSON.parse(JSON.stringify(spec)) as object) };
}

/** @throws invalid-argument — it is no JSON object */
function settingsOf(json: string): object {
  if (json === '') return {};
  try {
    const settings: unknown = JSON.parse(json);
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
      return settings;
    }
  } catch {
    // Falls through to the one error.
  }
  throw new BivdiffError('invalid-argument', 'taskSettingsJson: expected a JSON object', {
    hint: 'Its keys are the fields that the task has in a spec file.',
  });
}
