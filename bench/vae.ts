// Eight frames of 512x512 through the VAE by a lane of two threads, beside the same graphs with every frame computed as two equal
// ones, which keeps bits from depending on threads whatever the graph. In turn, so that other load of the machine meets both alike.

import { join } from 'node:path';

import { digestText } from '../common/digest.ts';
import { openModelSet } from '../common/models/model-folder.ts';
import type { ModelPart } from '../common/models/model-set.ts';
import { LANE_ENTRY } from '../recipes/lane-entry.ts';
import { createLanePool } from '../workers/inference/lanes/lane-pool.ts';
import type { LanePool } from '../workers/inference/lanes/lane-pool.ts';
import { openOnnxSession } from '../workers/inference/onnx/onnx-session.ts';
import { elementCount, floatTensor, frameTensor } from '../workers/tensor/tensor.ts';
import type { Tensor } from '../workers/tensor/tensor.ts';

const DEMO = join(import.meta.dirname, '../models/demo');
const SIZE = 512;
const FRAMES = 8;
const THREADS = 2;
const ROUNDS = 3;

export interface VaeFigures {
  /** Seconds inside ONNX Runtime for all frames, medians. */
  readonly encodeSeconds: number;
  readonly decodeSeconds: number;
  /** Encode and decode together over the same with each frame as two. */
  readonly ratio: number;
  /** Whether one thread gives the same bytes. */
  readonly isSameWithOneThread: boolean;
}

export async function measureVae(): Promise<VaeFigures> {
  const { image } = await openModelSet(DEMO, { cacheFolder: false });
  const lane = openLane(THREADS);
  const rounds: { encode: number; decode: number; twice: number; digest: string }[] = [];
  try {
    // Loads both graphs.
    await throughVae(lane, image, 2);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { encode, decode, digest } = await throughVae(lane, image, FRAMES);
      const twice =
        (await secondsTwice(image.vaeEncoder, [3, SIZE, SIZE])) +
        (await secondsTwice(image.vaeDecoder, [4, SIZE / 8, SIZE / 8]));
      rounds.push({ encode, decode, twice, digest });
    }
  } finally {
    await lane.close();
  }
  const single = openLane(1);
  const alone = await throughVae(single, image, FRAMES).finally(() => single.close());
  return {
    encodeSeconds: median(rounds.map(({ encode }) => encode)),
    decodeSeconds: median(rounds.map(({ decode }) => decode)),
    ratio: median(rounds.map(({ encode, decode, twice }) => (encode + decode) / twice)),
    isSameWithOneThread: rounds.every(({ digest }) => digest === alone.digest),
  };
}

function openLane(threadsPerLane: number): LanePool {
  return createLanePool({
    entry: LANE_ENTRY,
    lanes: 1,
    threadsPerLane,
    memoryLimitBytes: 2 ** 30,
  });
}

async function throughVae(
  lane: LanePool,
  { vaeEncoder, vaeDecoder }: { readonly vaeEncoder: ModelPart; readonly vaeDecoder: ModelPart },
  count: number,
) {
  const frames = Array.from({ length: count }, (_, i) => i);
  const pictures = frameTensor([count, SIZE, SIZE, 3]);
  for (let i = 0; i < pictures.data.length; i += 1)
    pictures.data[i] = (i * 31 + (i >> 9) * 7) % 251;
  const encoded = await lane.run({
    ...{ stage: 'encode', params: { posterior: 'mode' }, frames },
    models: { 'vae-encoder': vaeEncoder },
    tensors: { frames: pictures },
  });
  const decoded = await lane.run({
    ...{ stage: 'decode', params: {}, frames },
    models: { 'vae-decoder': vaeDecoder },
    tensors: { latents: encoded.outputs['latents']! },
  });
  return {
    encode: encoded.busySeconds,
    decode: decoded.busySeconds,
    digest: digestText(Buffer.from(decoded.outputs['frames']!.data as Uint8Array).toString('hex')),
  };
}

/** Of all frames, two equal ones a call, after a call to warm up. */
async function secondsTwice({ name, graph }: ModelPart, frame: readonly number[]): Promise<number> {
  const session = await openOnnxSession({ name, graph: graph!, threads: THREADS });
  const input = session.inputs[0]!.name;
  const data = new Float32Array(2 * elementCount(frame)).fill(0.25);
  const feeds: Readonly<Record<string, Tensor>> = { [input]: floatTensor([2, ...frame], data) };
  await session.run(feeds);
  const before = session.busySeconds;
  for (let i = 0; i < FRAMES; i += 1) await session.run(feeds);
  const seconds = session.busySeconds - before;
  await session.release();
  return seconds;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
