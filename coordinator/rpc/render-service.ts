// RenderService over gRPC: translates, checks, and asks the coordinator. Knows nothing of how jobs run.

import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type {
  RenderServiceServer,
  CheckJobRequest,
  CheckJobResponse,
  CheckSpecRequest,
  ListJobsRequest,
  SubmitJobRequest,
  SubmitJobResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { statusOfError } from '../../common/rpc/status.ts';
import { unary } from '../../common/rpc/unary.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest, JobId } from '../../common/task.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import type { Coordinator } from '../coordinator.ts';
import { jobIdOf } from '../domain/accept.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { JobView } from '../jobs/known-jobs.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { ArtifactRights } from './access/artifact-rights.ts';
import { Authorizer } from './access/authorizer.ts';
import type { Caller } from './access/caller.ts';
import { CallCount } from './call-count.ts';
import { acceptSubmission, checkPriority } from './accept-submission.ts';
import type { AcceptOptions } from './accept-submission.ts';
import { checkSpec } from './check-spec.ts';
import type { CheckDraft, CheckSeen } from './check-spec.ts';
import { jobMessage, workerMessage } from './messages/job-message.ts';
import { ResultsOfJobs } from './messages/job-results.ts';
import { ShotsOfJobs } from './messages/job-shots.ts';
import { listJobs } from './list-jobs.ts';
import { changeableJob, scopeOf } from './access/job-scope.ts';
import { listFrames } from './list-frames.ts';
import { watchJob } from './watch-job.ts';
import { watchLog } from './watch-log.ts';

export interface RenderServiceOptions {
  readonly coordinator: Coordinator;
  readonly workers: WorkerRegistry;
  readonly store: Store;
  /** Looks at source and models and turns the spec into a job. @throws invalid-argument — all problems */
  readonly accept: AcceptOptions['accept'];
  /** The same of sources that were not uploaded. @default they are looked at when they were */
  readonly check?: CheckSeen;
  /** Of a render of which not all is known. @default of that nothing is told */
  readonly checkDraft?: CheckDraft;
  /** What its submitter may not expect of the job, as `field: what`. @default nothing is told */
  readonly warningsOf?: (spec: RenderSpec, job: AcceptedJob) => Promise<readonly string[]>;
  readonly drain: (worker: string) => void;
  readonly pid: number;
  /** What a scaler does with each pool and why. @default there is none */
  readonly scaling?: () => readonly string[];
  /** Who calls. @default everybody may do everything */
  readonly authorizer?: Authorizer;
  /** Whose sources are whose. @default everybody's are everybody's */
  readonly rights?: ArtifactRights;
  readonly limits?: FarmLimits;
}

interface ChangeRequest {
  readonly id: string;
  readonly priority?: number;
}

type Change = (jobId: JobId, request: ChangeRequest, caller: Caller) => Promise<JobView>;

export function createRenderService(options: RenderServiceOptions): RenderServiceServer {
  const { coordinator, workers, store, authorizer = new Authorizer() } = options;
  const limits = options.limits ?? DEFAULT_LIMITS;
  const acceptance = { ...options, limits };
  const results = new ResultsOfJobs(store);
  const shots = new ShotsOfJobs(store);
  const message = async (view: JobView, caller: Caller): Promise<Job> => {
    const made = await results.of(view);
    const clip = { shots: await shots.of(view.jobId) };
    return { ...jobMessage(view, { caller, workers: workers.alive }, made), ...clip };
  };
  const answer = async (
    view: JobView | Promise<JobView>,
    caller: Caller,
  ): Promise<{ job: Job }> => ({ job: await message(await view, caller) });
  const change = (act: Change) =>
    unary((request: ChangeRequest, call) => {
      const caller = authorizer.callerOf(call);
      return answer(act(changeableJob(coordinator, caller, request.id), request, caller), caller);
    });
  return {
    submitJob: unary((request: SubmitJobRequest, call) =>
      submit(request, authorizer.callerOf(call), { ...acceptance, message }),
    ),
    checkJob: unary(({ submission }: CheckJobRequest, call) =>
      check(submission, authorizer.callerOf(call), acceptance),
    ),
    checkSpec: unary(async (request: CheckSpecRequest, call) => {
      await checkSpec(request, authorizer.callerOf(call), acceptance);
      return {};
    }),
    getJob: unary(({ id }, call) => {
      const caller = authorizer.callerOf(call);
      return answer(coordinator.get(id, scopeOf(caller)), caller);
    }),
    listJobs: unary(async (request: ListJobsRequest, call) =>
      listJobs(coordinator, authorizer.callerOf(call), request, workers.alive),
    ),
    ...streamHandlers({ ...options, authorizer, message }),
    cancelJob: change((id) => coordinator.cancel(id)),
    pauseJob: change((id) => coordinator.pause(id)),
    resumeJob: change((id) => coordinator.resume(id)),
    deleteJob: unary(async ({ id }, call) => {
      const jobId = changeableJob(coordinator, authorizer.callerOf(call), id);
      return { id: await coordinator.delete(jobId) };
    }),
    setPriority: change(async (id, { priority = 0 }, caller) => {
      checkPriority(priority, caller);
      return coordinator.setPriority(id, priority);
    }),
    listWorkers: unary(async () => ({
      workers: workers.alive.map((worker) =>
        workerMessage(worker, workers.standingOf(worker.name)),
      ),
      coordinatorPid: options.pid,
      protocol: PROTOCOL_VERSION,
      scaling: [...(options.scaling?.() ?? [])],
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

type StreamHandlers = Pick<RenderServiceServer, 'watchJob' | 'watchLog' | 'listFrames'>;

interface StreamOptions extends RenderServiceOptions {
  readonly authorizer: Authorizer;
  readonly message: (view: JobView, caller: Caller) => Promise<Job>;
}

function streamHandlers(options: StreamOptions): StreamHandlers {
  const { coordinator, store, authorizer, message, limits = DEFAULT_LIMITS } = options;
  const watches = new CallCount({
    ...{ max: limits.watches, what: 'watches' },
    hint: 'End some of them; bivdiff list shows all jobs at once.',
  });
  return {
    watchJob: (call) => {
      streamed(call, async () => {
        const caller = authorizer.callerOf(call);
        const { jobId } = coordinator.get(call.request.id, scopeOf(caller));
        const onEnd = watches.begin(caller.name);
        const read = (): Promise<Job> => message(coordinator.get(jobId), caller);
        const watch = (onChange: () => void): (() => void) => coordinator.watch(jobId, onChange);
        await watchJob(call, { read, watch }).finally(onEnd);
      });
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
  request: SubmitJobRequest,
  caller: Caller,
  options: RenderServiceOptions & AcceptOptions & Pick<StreamOptions, 'message'>,
): Promise<SubmitJobResponse> {
  const { coordinator, warningsOf, message } = options;
  const { spec, job, submission } = await acceptSubmission(request, caller, options);
  const view = await coordinator.submit(job, submission);
  // A job that was taken is not refused for want of them.
  const warnings = await warningsOf?.(spec, job).catch(() => []);
  return { job: await message(view, caller), warnings: [...(warnings ?? [])] };
}

/** All of a submission but the job. */
async function check(
  submission: SubmitJobRequest | undefined,
  caller: Caller,
  options: AcceptOptions,
): Promise<CheckJobResponse> {
  if (submission === undefined) {
    throw new BivdiffError('invalid-argument', 'the request names nothing to check');
  }
  const { job } = await acceptSubmission(submission, caller, options);
  return { id: jobIdOf(job) };
}
