// The client's side of a farm: RenderService and ArtifactService as promises, files up and down. Every call has a deadline;
// only what is safe to repeat is repeated.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { link, open, stat, unlink } from 'node:fs/promises';

import { credentials, Metadata } from '@grpc/grpc-js';
import type { ClientUnaryCall, ServiceError } from '@grpc/grpc-js';

import { digestFile } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { ArtifactServiceClient } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import type {
  HasArtifactResponse,
  ReadArtifactResponse,
  WriteArtifactResponse,
} from '../../common/gen/bivdiff/v1/artifact_service.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import { RenderServiceClient } from '../../common/gen/bivdiff/v1/render_service.ts';
import type {
  ListJobsResponse,
  ListWorkersResponse,
  SubmitJobRequest,
  WatchJobResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import { readChunks } from '../../common/read-chunks.ts';
import { errorOfStatus } from '../../common/rpc/status.ts';
import type { Digest } from '../../common/task.ts';

const CALL_MS = 30_000;
/** Accepting a spec decodes the source's beginning and may read a large model set for the first time. */
const SUBMIT_MS = 300_000;
/** Per file. Slower than 1 MB/s is given up for the largest sources only. */
const TRANSFER_MS = 4 * 3_600_000;
const CHUNK_BYTES = 256 * 1024;
const READ_TRIES_MAX = 3;

type Callback<T> = (error: ServiceError | null, response: T) => void;
type Call<T> = (
  metadata: Metadata,
  options: { deadline: number },
  done: Callback<T>,
) => ClientUnaryCall;

/** A farm's coordinator at `server` (HOST:PORT). Close it when done. */
export class FarmClient {
  readonly #server: string;
  readonly #render: RenderServiceClient;
  readonly #artifacts: ArtifactServiceClient;

  constructor(server: string) {
    this.#server = server;
    const insecure = credentials.createInsecure();
    this.#render = new RenderServiceClient(server, insecure);
    this.#artifacts = new ArtifactServiceClient(server, insecure);
  }

  close(): void {
    this.#render.close();
    this.#artifacts.close();
  }

  submit(request: SubmitJobRequest): Promise<Job> {
    return this.#job((...rest) => this.#render.submitJob(request, ...rest), SUBMIT_MS);
  }

  get(id: string): Promise<Job> {
    return this.#job((...rest) => this.#render.getJob({ id }, ...rest));
  }

  async list(): Promise<readonly Job[]> {
    return (await this.#unary<ListJobsResponse>((...rest) => this.#render.listJobs({}, ...rest)))
      .jobs;
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
    const call = this.#render.watchJob({ id });
    const stop = (): void => {
      call.cancel();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      for await (const message of call) {
        const { job } = message as WatchJobResponse;
        if (job !== undefined) yield job;
      }
    } catch (reason) {
      throw errorOfStatus(reason, this.#server);
    } finally {
      signal?.removeEventListener('abort', stop);
      call.cancel();
    }
  }

  /** Uploads bytes, unless the farm has them. */
  async putArtifact(bytes: Uint8Array): Promise<Digest> {
    const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
    await this.#upload(digest, async function* () {
      yield bytes;
    });
    return digest;
  }

  /** Uploads a file, unless the farm has it. */
  async putArtifactFile(
    path: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Digest> {
    const digest = await digestFile(path, options);
    await this.#upload(digest, () => readChunks(path, options));
    return digest;
  }

  /**
   * Downloads to a file that must not exist; goes on where an interrupted read ended. Under its name there is all or nothing.
   * @throws data-loss — what came is not what was asked for
   */
  async getArtifactFile(digest: Digest, path: string): Promise<void> {
    const partial = `${path}.${process.pid}.part`;
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          await this.#download(digest, partial);
          break;
        } catch (reason) {
          const error = errorOfStatus(reason, this.#server);
          if (error.code !== 'unavailable' || tries === READ_TRIES_MAX) throw error;
        }
      }
      if ((await digestFile(partial)) !== digest) {
        throw new BivdiffError('data-loss', `artifact ${digest} was damaged on its way`);
      }
      await link(partial, path).catch((reason: unknown) => {
        throw BivdiffError.from(reason, `writing ${path}`);
      });
    } finally {
      await unlink(partial).catch(() => undefined);
    }
  }

  async #download(digest: Digest, path: string): Promise<void> {
    const offset = await stat(path).then(
      ({ size }) => size,
      () => 0,
    );
    const file = await open(path, 'a');
    try {
      const deadline = Date.now() + TRANSFER_MS;
      const call = this.#artifacts.readArtifact({ digest, offset }, new Metadata(), { deadline });
      for await (const message of call) await file.write((message as ReadArtifactResponse).chunk);
    } finally {
      await file.close();
    }
  }

  async #upload(digest: Digest, chunks: () => AsyncIterable<Uint8Array>): Promise<void> {
    const { exists } = await this.#unary<HasArtifactResponse>((...rest) =>
      this.#artifacts.hasArtifact({ digest }, ...rest),
    );
    if (exists) return;
    const answer = Promise.withResolvers<WriteArtifactResponse>();
    const deadline = Date.now() + TRANSFER_MS;
    const call = this.#artifacts.writeArtifact(new Metadata(), { deadline }, (error, response) => {
      if (error === null) answer.resolve(response);
      else answer.reject(errorOfStatus(error, this.#server));
    });
    // The answer tells of every failure, also while chunks are still sent.
    answer.promise.catch(() => call.cancel());
    call.on('error', () => undefined);
    let isFirst = true;
    for await (const bytes of chunks()) {
      for (let start = 0; start < bytes.byteLength || isFirst; start += CHUNK_BYTES) {
        const chunk = bytes.slice(start, start + CHUNK_BYTES);
        const hasRoom = call.write({ digest: isFirst ? digest : '', chunk });
        isFirst = false;
        if (!hasRoom) await Promise.race([once(call, 'drain'), answer.promise]);
      }
    }
    if (isFirst) call.write({ digest, chunk: new Uint8Array() });
    call.end();
    await answer.promise;
  }

  async #job(call: Call<{ job: Job | undefined }>, deadlineMs = CALL_MS): Promise<Job> {
    const { job } = await this.#unary(call, deadlineMs);
    if (job === undefined) throw new BivdiffError('internal', 'the coordinator named no job');
    return job;
  }

  #unary<T>(call: Call<T>, deadlineMs = CALL_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      call(new Metadata(), { deadline: Date.now() + deadlineMs }, (error, response) => {
        if (error === null) resolve(response);
        else reject(errorOfStatus(error, this.#server));
      });
    });
  }
}
