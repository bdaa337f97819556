// How long ONNX Runtime takes to load the graphs that a render of the shipped models uses: its own work, once per lane, which
// a render's busy seconds (runs and codecs) do not hold.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { openModelSet } from '../common/models/model-folder.ts';
import { openOnnxSession } from '../workers/inference/onnx/onnx-session.ts';

const DEMO = join(import.meta.dirname, '../models/demo');

/** Seconds to load all of them, one after the other. */
export async function measureGraphLoading(): Promise<number> {
  const { image, generators, videos, defaultVideo } = await openModelSet(DEMO, {
    cacheFolder: false,
  });
  const video = videos[defaultVideo];
  const parts = [
    ...[image.textEncoder, generators['canny']?.unet, image.vaeEncoder, image.vaeDecoder],
    ...[image.unetInflated, video?.textEncoder, video?.unet],
  ];
  let seconds = 0;
  for (const part of parts) {
    if (part?.graph === undefined) continue;
    const begunMs = performance.now();
    const { name, graph } = part;
    const session = await openOnnxSession({ name, graph, threads: availableParallelism() });
    seconds += (performance.now() - begunMs) / 1000;
    await session.release();
  }
  return seconds;
}
