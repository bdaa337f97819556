// How pictures say what their numbers mean: the four tags of a format in FFmpeg's constants, on whatever carries them.

import {
  AVCHROMA_LOC_CENTER,
  AVCHROMA_LOC_UNSPECIFIED,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_RGB,
  AVCOL_TRC_BT709,
  AVCOL_TRC_IEC61966_2_1,
} from 'node-av/constants';
import type { CodecContext, Frame } from 'node-av/lib';
import type { OutputCodec } from './output-codecs.ts';

/** On encoders, which write them into stream and container, and on frames, which some encoders ask instead. */
export function tagColours(carrier: CodecContext | Frame, codec: OutputCodec): void {
  const { colour, pixelFormat } = codec;
  carrier.colorPrimaries = AVCOL_PRI_BT709;
  carrier.colorTrc = colour.transfer === 'bt709' ? AVCOL_TRC_BT709 : AVCOL_TRC_IEC61966_2_1;
  carrier.colorSpace = colour.matrix === 'bt709' ? AVCOL_SPC_BT709 : AVCOL_SPC_RGB;
  carrier.colorRange = colour.range === 'tv' ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
  // Between the pixels, where FFmpeg's scaler takes it to be when it reads: else a picture's colours move with every generation.
  carrier.chromaLocation =
    pixelFormat === 'yuv420p' ? AVCHROMA_LOC_CENTER : AVCHROMA_LOC_UNSPECIFIED;
}
