// Encodes RGB frames as H.264 in MP4 or VP9 in WebM. Equal frames and settings give equal bytes; of H.264, as long as
// the encoder sees the same number of processors (its process is held to one: processors.ts).

import { VideoEncoder, VideoFrame } from '@napi-rs/webcodecs';
import { open, rename, rm } from 'node:fs/promises';
import { BivdiffError } from '../../common/errors.ts';
import { partialPath, samplesPath } from './encode-paths.ts';
import { frameRateOf, timeOfFrame } from './frame-rate.ts';
import type { EncodedFacts, EncodeRequest } from './media-types.ts';
import { mp4Head } from './containers/mp4-writer.ts';
import { SampleSpool } from './containers/sample-spool.ts';
import { layOutWebm } from './containers/webm-writer.ts';
import { i420FromRgb } from './pixels/yuv.ts';

const CODEC_BY_FORMAT = { mp4: 'avc1.640033', webm: 'vp09.00.51.08' } as const;
export type CodecFormat = keyof typeof CODEC_BY_FORMAT;

/** Key frames come this often, so that a player can jump and a reader needs not decode much for one frame. */
const KEY_INTERVAL_SECONDS = 2;
/** Above 45 dB on drawn shapes and about 40 on film; x264's wrapper takes a bit rate only. */
const H264_BITS_PER_PIXEL = 2;
/** FFmpeg tells x264 whole kilobits, and x264 does not begin at 0: what the smallest pictures would ask for. */
const H264_BITS_PER_SECOND_MIN = 1000;
/** VP9's quantiser index, 0..255. */
const VP9_QUANTIZER = 20;
const QUEUE_MAX = 8;

/** Odd sizes grow by one copied row or column, as 4:2:0 wants even ones. @throws internal — the encoder failed */
export async function encodeWithCodec(
  request: EncodeRequest & { readonly format: CodecFormat },
  frames: AsyncIterable<Uint8Array>,
): Promise<EncodedFacts> {
  const partial = partialPath(request);
  await using spool = await SampleSpool.create(samplesPath(request));
  const size = {
    width: request.width + (request.width & 1),
    height: request.height + (request.height & 1),
  };
  try {
    const avcConfig = await encodeInto(spool, request, frames);
    const track = { ...size, framesPerSecond: request.framesPerSecond, samples: spool.samples };
    const bytes =
      request.format === 'mp4'
        ? await writeFile(partial, spool, { head: mp4Head({ ...track, avcConfig }) })
        : await writeFile(partial, spool, layOutWebm(track));
    await rename(partial, request.path);
    return { ...size, frames: spool.samples.length, bytes };
  } finally {
    await rm(partial, { force: true });
  }
}

/** Fills the spool; gives the decoder's set-up record, empty for VP9. */
async function encodeInto(
  spool: SampleSpool,
  request: EncodeRequest & { readonly format: CodecFormat },
  frames: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  const { width, height, format, framesPerSecond } = request;
  const rate = frameRateOf(framesPerSecond);
  const keyInterval = Math.max(1, Math.round(framesPerSecond * KEY_INTERVAL_SECONDS));
  const ready: { data: Uint8Array; key: boolean }[] = [];
  let avcConfig = new Uint8Array();
  let failure: Error | undefined;
  const encoder = new VideoEncoder({
    output(chunk, metadata) {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      const key = chunk.type === 'key';
      if (format === 'webm' && key) tagVp9KeyFrame(data);
      ready.push({ data, key });
      avcConfig = metadata?.decoderConfig?.description?.slice() ?? avcConfig;
    },
    error: (error) => void (failure ??= error),
  });
  try {
    encoder.configure(encoderConfig(request));
    let index = 0;
    for await (const rgb of frames) {
      const picture = i420FromRgb({ rgb, width, height });
      const frame = new VideoFrame(picture.data, {
        format: 'I420',
        codedWidth: picture.width,
        codedHeight: picture.height,
        timestamp: timeOfFrame(index, rate, 1e6),
      });
      const keyFrame = index++ % keyInterval === 0;
      encoder.encode(
        frame,
        format === 'webm' ? { keyFrame, vp9: { quantizer: VP9_QUANTIZER } } : { keyFrame },
      );
      frame.close();
      while (encoder.encodeQueueSize > QUEUE_MAX && failure === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await drain(ready, spool);
      if (failure !== undefined) throw failure;
    }
    await encoder.flush();
    await drain(ready, spool);
    return avcConfig;
  } catch (cause) {
    throw cause instanceof BivdiffError
      ? cause
      : new BivdiffError('internal', `encoding ${format} failed`, { cause: failure ?? cause });
  } finally {
    if (encoder.state !== 'closed') encoder.close();
  }
}

function encoderConfig(request: EncodeRequest & { readonly format: CodecFormat }) {
  const { width, height, format, framesPerSecond } = request;
  return {
    codec: CODEC_BY_FORMAT[format],
    width: width + (width & 1),
    height: height + (height & 1),
    framerate: framesPerSecond,
    hardwareAcceleration: 'prefer-software' as const,
    ...(format === 'webm'
      ? { bitrateMode: 'quantizer' as const }
      : {
          bitrateMode: 'variable' as const,
          bitrate: Math.max(
            H264_BITS_PER_SECOND_MIN,
            Math.round(width * height * framesPerSecond * H264_BITS_PER_PIXEL),
          ),
        }),
  };
}

async function drain(
  ready: { data: Uint8Array; key: boolean }[],
  spool: SampleSpool,
): Promise<void> {
  for (const { data, key } of ready.splice(0)) await spool.append(data, key);
}

/**
 * Sets color_space to BT.709 in a profile 0 key frame's header: three bits after the frame's first byte and its sync code
 * (VP9 bitstream specification, 6.2 and 7.2.2). The encoder leaves it unknown.
 */
export function tagVp9KeyFrame(data: Uint8Array): void {
  const COLOR_SPACE_BT_709 = 2;
  const synced = data[1] === 0x49 && data[2] === 0x83 && data[3] === 0x42;
  if (synced) data[4] = (data[4]! & 0x1f) | (COLOR_SPACE_BT_709 << 5);
}

async function writeFile(
  path: string,
  spool: SampleSpool,
  layout: { readonly head: Uint8Array; readonly beforeSample?: (index: number) => Uint8Array },
): Promise<number> {
  const file = await open(path, 'wx');
  try {
    await file.appendFile(layout.head);
    let index = 0;
    for await (const sample of spool.read()) {
      const before = layout.beforeSample?.(index++);
      if (before !== undefined) await file.appendFile(before);
      await file.appendFile(sample);
    }
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
