// The client's side of a farm: RenderService and ArtifactService as promises, files up and down. Every call has a deadline;
// only what is safe to repeat is repeated.

import { credentials as grpcCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ClientReadableStream, Metadata } from '@grpc/grpc-js';

import { digestFile, digestLongBytes } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { ArtifactServiceClient } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type { LogLine } from '../../common/gen/bivdiff/v1/job_log.ts';
import { RenderServiceClient } from '../../common/gen/bivdiff/v1/render_service.ts';
import type {
  CheckJobResponse,
  CheckSpecRequest,
  CheckSpecResponse,
  DeleteJobResponse,
  ListFramesResponse,
  ListJobsResponse,
  ListWorkersResponse,
  SubmitJobRequest,
  SubmitJobResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import { ArtifactTransfer } from '../../common/rpc/artifact-transfer.ts';
import { callUnary, metadataOf } from '../../common/rpc/calls.ts';
import type { Line, StartUnary } from '../../common/rpc/calls.ts';
import { keepaliveOptions } from '../../common/rpc/channel.ts';
import type { Keepalive } from '../../common/rpc/channel.ts';
import { errorOfStatus, isUnknownCall } from '../../common/rpc/status.ts';
import { writeToNewFile } from '../../common/store/new-file.ts';
import type { Digest } from '../../common/task.ts';

const CALL_MS = 30_000;
/** Accepting a spec decodes the source's beginning and may read a large model set for the first time. */
const SUBMIT_MS = 300_000;
/** Where cuts are looked for, the whole of it is decoded. */
const SEARCH_MS = 3_600_000;
/** Jobs of one page: a coordinator gives no more. */
const PAGE_SIZE = 1_000;
/** A person waits for the answer: what is away for longer is told. */
const PATIENCE_MS = 2_000;

export interface FarmClientOptions {
  /** @default in the clear */
  readonly credentials?: ChannelCredentials;
  /** Sent with every call: a token, say. */
  readonly metadata?: () => Metadata;
  readonly keepalive?: Keepalive;
}

export interface SubmitCall {
  /** Whether the source is looked through for cuts, which takes the time of decoding it. @default false */
  readonly searches?: boolean;
}

/** A farm's coordinator at `server` (HOST:PORT). Close it when done. */
export class FarmClient {
  readonly #line: Line;
  readonly #render: RenderServiceClient;
  readonly #artifacts: ArtifactServiceClient;
  readonly #transfer: ArtifactTransfer;

  constructor(server: string, options: FarmClientOptions = {}) {
    const { credentials = grpcCredentials.createInsecure(), metadata } = options;
    this.#line = { server, metadata };
    const channel = keepaliveOptions(options.keepalive);
    this.#render = new RenderServiceClient(server, credentials, channel);
    this.#artifacts = new ArtifactServiceClient(server, credentials, channel);
    this.#transfer = new ArtifactTransfer(this.#artifacts, {
      ...this.#line,
      retries: { patienceMs: PATIENCE_MS },
    });
  }

  close(): void {
    this.#render.close();
    this.#artifacts.close();
  }

  /** `onWarnings` is told what may not be expected of the job, as `field: what`. */
  async submit(
    request: SubmitJobRequest,
    {
      searches = false,
      onWarnings,
    }: SubmitCall & { onWarnings?: (warnings: readonly string[]) => void } = {},
  ): Promise<Job> {
    const { job, warnings } = await this.#unary<SubmitJobResponse>(
      (...rest) => this.#render.submitJob(request, ...rest),
      searches ? SEARCH_MS : SUBMIT_MS,
    );
    onWarnings?.(warnings);
    return named(job);
  }

  /** Has a submission checked, and puts nothing on the farm; gives the id that the job would have. @throws as submit */
  async check(
    submission: SubmitJobRequest,
    { searches = false }: SubmitCall = {},
  ): Promise<string> {
    const { id } = await this.#unary<CheckJobResponse>(
      (...rest) => this.#render.checkJob({ submission }, ...rest),
      searches ? SEARCH_MS : SUBMIT_MS,
    );
    return id;
  }

  /** Whether it would be accepted, before anything is uploaded. A coordinator of an older version cannot tell. @throws as submit */
  async checkSpec(request: CheckSpecRequest): Promise<void> {
    try {
      await this.#unary<CheckSpecResponse>(
        (...rest) => this.#render.checkSpec(request, ...rest),
        SUBMIT_MS,
      );
    } catch (reason) {
      if (!isUnknownCall(reason)) throw reason;
    }
  }

  get(id: string): Promise<Job> {
    return this.#job((...rest) => this.#render.getJob({ id }, ...rest));
  }

  /** The newest jobs, so many at most: without stages, outputs and metrics. @default all */
  async list(limit = Infinity): Promise<readonly Job[]> {
    const jobs: Job[] = [];
    for await (const page of this.pages({ pageSize: Math.min(limit, PAGE_SIZE) })) {
      jobs.push(...page);
      if (jobs.length >= limit) break;
    }
    return jobs.slice(0, limit);
  }

  /** All jobs, newest first, as many at a time as the coordinator likes to give, `pageSize` at most. */
  async *pages({ pageSize = PAGE_SIZE }: { readonly pageSize?: number } = {}): AsyncGenerator<
    readonly Job[],
    void,
    undefined
  > {
    let pageToken = '';
    do {
      const request = { pageSize, pageToken };
      const page = await this.#unary<ListJobsResponse>((...rest) =>
        this.#render.listJobs(request, ...rest),
      );
      yield page.jobs;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
  }

  cancel(id: string): Promise<Job> {
    return this.#job((...rest) => this.#render.cancelJob({ id }, ...rest));
  }

  pause(id: string): Promise<Job> {
    return this.#job((...rest) => this.#render.pauseJob({ id }, ...rest));
  }

  resume(id: string): Promise<Job> {
    return this.#job((...rest) => this.#render.resumeJob({ id }, ...rest));
  }

  setPriority(id: string, priority: number): Promise<Job> {
    return this.#job((...rest) => this.#render.setPriority({ id, priority }, ...rest));
  }

  workers(): Promise<ListWorkersResponse> {
    return this.#unary((...rest) => this.#render.listWorkers({}, ...rest));
  }

  async drain(name: string): Promise<void> {
    await this.#unary((...rest) => this.#render.drainWorker({ name }, ...rest));
  }

  /** The job at every change until it is over. A coordinator that goes away is asked again by the caller. */
  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<Job, void, undefined> {
    const call = this.#render.watchJob({ id }, metadataOf(this.#line));
    for await (const { job } of this.#stream(call, signal)) {
      if (job !== undefined) yield job;
    }
  }

  /** What happened to a job, oldest first; with `follow` until it is over. */
  async *log(
    id: string,
    options: { readonly follow: boolean; readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<LogLine, void, undefined> {
    const { follow, signal } = options;
    const call = this.#render.watchLog({ id, follow }, metadataOf(this.#line));
    for await (const { lines } of this.#stream(call, signal)) {
      yield* lines;
    }
  }

  /** The finished frames of a job from `start` on, in order, batch by batch; or the pictures of its output of a layout. */
  frames(
    id: string,
    { layout = '', start = 0 }: { readonly layout?: string; readonly start?: number } = {},
  ): AsyncGenerator<ListFramesResponse, void, undefined> {
    return this.#stream(this.#render.listFrames({ id, layout, start }, metadataOf(this.#line)));
  }

  /** Forgets a job that is over; gives its whole id. */
  async delete(id: string): Promise<string> {
    const { id: deleted } = await this.#unary<DeleteJobResponse>((...rest) =>
      this.#render.deleteJob({ id }, ...rest),
    );
    return deleted;
  }

  async *#stream<T>(
    call: ClientReadableStream<T>,
    signal?: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    const stop = (): void => {
      call.cancel();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      for await (const message of call) yield message as T;
    } catch (reason) {
      throw errorOfStatus(reason, this.#line.server);
    } finally {
      signal?.removeEventListener('abort', stop);
      call.cancel();
    }
  }

  /** Uploads bytes, unless the farm has them. */
  async putArtifact(bytes: Uint8Array): Promise<Digest> {
    const digest = await digestLongBytes(bytes);
    if (!(await this.#transfer.has(digest))) await this.#transfer.put(digest, bytes);
    return digest;
  }

  /** Uploads a file, unless the farm has it. */
  async putArtifactFile(
    path: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Digest> {
    const digest = await digestFile(path, options);
    if (!(await this.#transfer.has(digest))) await this.#transfer.putFile(digest, path, options);
    return digest;
  }

  /**
   * Downloads to a file that must not exist; goes on where an interrupted read ended. Under its name there is all or nothing.
   * @throws data-loss — the farm has lost it
   * @throws already-exists — something of that name is there
   */
  getArtifactFile(digest: Digest, path: string): Promise<void> {
    return writeToNewFile(path, (temporary) => this.#transfer.getFile(digest, temporary));
  }

  async #job(call: StartUnary<{ job: Job | undefined }>, deadlineMs = CALL_MS): Promise<Job> {
    return named((await this.#unary(call, deadlineMs)).job);
  }

  async #unary<T>(start: StartUnary<T>, deadlineMs = CALL_MS): Promise<T> {
    return callUnary(this.#line, start, deadlineMs);
  }
}

function named(job: Job | undefined): Job {
  if (job !== undefined) return job;
  throw new BivdiffError('internal', 'the coordinator named no job');
}
