#!/usr/bin/env bash
# @napi-rs/webcodecs 1.3.1: a frame rate below 1 is called supported, and the encoder then closes itself.
#
# Guess: what `VideoEncoder.isConfigSupported` calls supported can be encoded; a rate that cannot be is refused there, or by `configure`.
# Seen (Node 24, linux x64): for H.264 and VP9 at 0.99 frames per second it says `supported: true`, `configure` throws nothing, the error
# callback is called, and the first `encode` throws InvalidStateError because the codec is closed. At 1 frame per second one chunk comes.
# So a time-lapse at one frame in two seconds needs its rate checked by the caller.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @napi-rs/webcodecs@1.3.1
cat > see.mjs <<'JS'
import { VideoEncoder, VideoFrame } from '@napi-rs/webcodecs';

async function see(codec, framerate) {
  const config = { codec, width: 64, height: 64, framerate, bitrate: 1_000_000 };
  const { supported } = await VideoEncoder.isConfigSupported(config);
  let chunks = 0;
  let called = false;
  const encoder = new VideoEncoder({ output: () => (chunks += 1), error: () => (called = true) });
  let failedAt = 'configure';
  let error = 'none';
  try {
    encoder.configure(config);
    failedAt = 'encode';
    const frame = new VideoFrame(new Uint8Array(64 * 64 * 4), { format: 'RGBA', codedWidth: 64, codedHeight: 64, timestamp: 0 });
    encoder.encode(frame);
    frame.close();
    failedAt = 'flush';
    await encoder.flush();
    failedAt = 'nowhere';
  } catch (reason) {
    error = reason.name;
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  return `${codec} at ${framerate}: supported ${supported}, fails at ${failedAt} (${error}), callback ${called}, chunks ${chunks}`;
}

for (const codec of ['avc1.42001f', 'vp09.00.10.08'])
  for (const rate of [1, 0.99]) console.log(await see(codec, rate));
JS
node see.mjs | tee seen.txt
diff seen.txt - <<'SEEN'
avc1.42001f at 1: supported true, fails at nowhere (none), callback false, chunks 1
avc1.42001f at 0.99: supported true, fails at encode (InvalidStateError), callback true, chunks 0
vp09.00.10.08 at 1: supported true, fails at nowhere (none), callback false, chunks 1
vp09.00.10.08 at 0.99: supported true, fails at encode (InvalidStateError), callback true, chunks 0
SEEN
echo 'as it was'
