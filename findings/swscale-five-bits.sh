#!/usr/bin/env bash
# FFmpeg 8.1 (node-av 6.1.1): white of five bits a value becomes 248 on its way to planes, and 255 straight to packed RGB.
#
# Guess: of RGB pictures, `format=rgb24` and `format=gbrp` followed by `format=rgb24` give the same bytes, since both targets keep 8 bits a value.
# Seen (linux x64): 255 straight; 248 by way of gbrp, so five bits are shifted there and not spread over the range. A pipeline that goes by
# planes for speed (YUV to gbrp has vector code, YUV to rgb24 has none) darkens QuickTime and AVI clips in rgb555.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent node-av@6.1.1
cat > see.mjs <<'JS'
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

const white = new Uint16Array(16 * 16).fill(0x7fff);
for (const [name, chain] of [
  ['straight', `scale=${FLAGS},format=rgb24`],
  ['by planes', `scale=${FLAGS},format=gbrp,scale=${FLAGS},format=rgb24`],
]) {
  const format = avGetPixFmtFromName('rgb555le');
  const frame = Frame.fromVideoBuffer(Buffer.from(white.buffer), { width: 16, height: 16, format, pts: 0n });
  console.log(`${name}: ${scaled('video_size=16x16:pix_fmt=rgb555le', frame, chain)[0]}`);
}
JS
node see.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
straight: 255
by planes: 248
SEEN
echo 'as it was'
