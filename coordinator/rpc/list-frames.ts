// RenderService.ListFrames: which frames of a job are finished, or what pictures an output has, at the pace of the reader.

import type { ServerWritableStream } from '@grpc/grpc-js';

import { BivdiffError } from '../../common/errors.ts';
import type {
  ListFramesRequest,
  ListFramesResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest, JobId } from '../../common/task.ts';
import { sendMessage } from '../../common/rpc/send.ts';
import { finishedFrames } from '../jobs/finished-frames.ts';
import type { FrameBatch } from '../jobs/finished-frames.ts';
import { readManifest } from '../jobs/manifest.ts';

/** Of a frame in a message, about. */
const FRAME_BYTES = 96;
const FRAMES_TOGETHER = 1_024;

interface ListFramesOptions {
  readonly store: Store;
  readonly jobId: JobId;
  /** Told of every frame before the caller is. */
  readonly onFrames: (digests: readonly Digest[]) => void;
}

/**
 * @throws data-loss — the accepted spec is gone
 * @throws failed-precondition, not-found — an output was asked for: the job is not done, or has none of that layout
 */
export async function listFrames(
  call: ServerWritableStream<ListFramesRequest, ListFramesResponse>,
  { store, jobId, onFrames }: ListFramesOptions,
): Promise<void> {
  const { layout, start } = call.request;
  const batches =
    layout === '' ? finishedFrames(store, jobId, start) : picturesOf(store, jobId, layout);
  for await (const { frames, ...batch } of batches) {
    onFrames(frames.map(({ artifact }) => artifact.digest));
    const found = frames.map(({ frame, artifact: { digest, bytes, type } }) => ({
      frame,
      artifact: { digest, bytes, type },
    }));
    if (!(await sendMessage(call, { ...batch, frames: found }, FRAME_BYTES * found.length))) return;
  }
}

/** The artifacts of one output, as its manifest has them. */
async function* picturesOf(
  store: Store,
  jobId: JobId,
  layout: string,
): AsyncGenerator<FrameBatch, void, undefined> {
  const manifest = await readManifest(store, jobId);
  if (manifest === undefined) {
    const message = `job ${jobId.slice(0, 12)} is not done: it has no outputs yet`;
    throw new BivdiffError('failed-precondition', message);
  }
  const output = manifest.outputs.find(({ params }) => params.layout === layout);
  if (output === undefined) {
    throw new BivdiffError('not-found', `job ${jobId.slice(0, 12)} has no ${layout}`);
  }
  const { artifacts } = output;
  for (let at = 0; at < artifacts.length; at += FRAMES_TOGETHER) {
    const together = artifacts.slice(at, at + FRAMES_TOGETHER);
    const frames = together.map((artifact, i) => ({ frame: at + i, artifact }));
    const { framesPerSecond, format } = output.params;
    yield { total: artifacts.length, first: 0, framesPerSecond, format, frames };
  }
}
