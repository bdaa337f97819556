// RenderService.ListFrames: which frames of a job are finished, at the pace of the reader.

import type { ServerWritableStream } from '@grpc/grpc-js';

import type {
  ListFramesRequest,
  ListFramesResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest, JobId } from '../../common/task.ts';
import { finishedFrames } from '../jobs/finished-frames.ts';
import { sendMessage } from '../../common/rpc/send.ts';

interface ListFramesOptions {
  readonly store: Store;
  readonly jobId: JobId;
  /** Told of every frame before the caller is. */
  readonly onFrames: (digests: readonly Digest[]) => void;
}

/** @throws data-loss — the accepted spec is gone */
export async function listFrames(
  call: ServerWritableStream<ListFramesRequest, ListFramesResponse>,
  { store, jobId, onFrames }: ListFramesOptions,
): Promise<void> {
  for await (const { total, frames } of finishedFrames(store, jobId)) {
    onFrames(frames.map(({ artifact }) => artifact.digest));
    const found = frames.map(({ frame, artifact: { digest, bytes, type } }) => ({
      frame,
      artifact: { digest, bytes, type },
    }));
    if (!(await sendMessage(call, { total, frames: found }))) return;
  }
}
