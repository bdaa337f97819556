#!/usr/bin/env bash
# FFmpeg 8.1 (node-av 6.1.1): the scale filter takes chroma to lie between the pixels whatever the frame says of it.
#
# Guess: a frame whose chroma location is `left` (every H.264 clip that says nothing else) is brought to RGB with the chroma at the left, as it
# is with `in_chroma_loc=left`; so writing with `out_chroma_loc=left` and reading that again moves nothing.
# Seen (linux x64): such a frame gives the bytes of `in_chroma_loc=center`. Written left and read so, colours move by a quarter of a pixel with
# every generation: ten of them took a saturated test pattern 24 code values away in the mean, and 9.3 where it was written centred.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent node-av@6.1.1
cat > see.mjs <<'JS'
import { AVCHROMA_LOC_LEFT } from 'node-av/constants';
import { avGetPixFmtFromName, FilterGraph, Frame } from 'node-av/lib';

const FLAGS = 'flags=bicubic+accurate_rnd+full_chroma_int+bitexact';

function scaled(source, frame, chain) {
  const graph = new FilterGraph();
  graph.alloc();
  graph.parse2(`buffer@in=${source}:time_base=1/1,${chain},buffersink@out`);
  graph.configSync();
  graph.getFilter('buffer@in').buffersrcAddFrameSync(frame);
  const made = new Frame();
  made.alloc();
  graph.getFilter('buffersink@out').buffersinkGetFrameSync(made);
  const bytes = made.toBuffer();
  graph.free();
  return bytes;
}

const luma = new Uint8Array(32 * 32).fill(128);
const blue = Uint8Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 64 : 192));
const red = new Uint8Array(256).fill(128);
function blueOfEdge(options) {
  const format = avGetPixFmtFromName('yuv420p');
  const frame = Frame.fromVideoBuffer(Buffer.concat([luma, blue, red]), { width: 32, height: 32, format, pts: 0n });
  frame.chromaLocation = AVCHROMA_LOC_LEFT;
  const source = 'video_size=32x32:pix_fmt=yuv420p:colorspace=bt709:range=tv';
  const bytes = scaled(source, frame, `scale=${FLAGS}${options},format=rgb24`);
  return Array.from({ length: 6 }, (_, x) => bytes[(16 * 32 + 13 + x) * 3 + 2]).join(' ');
}
console.log(`the frame says left: ${blueOfEdge('')}`);
console.log(`in_chroma_loc=left: ${blueOfEdge(':in_chroma_loc=left')}`);
console.log(`in_chroma_loc=center: ${blueOfEdge(':in_chroma_loc=center')}`);
JS
node see.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
the frame says left: 0 0 53 208 255 255
in_chroma_loc=left: 0 0 130 255 255 255
in_chroma_loc=center: 0 0 53 208 255 255
SEEN
echo 'as it was'
