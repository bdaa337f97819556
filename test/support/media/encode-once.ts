// A program that writes one video, in the process that it is, and prints its digest: `encode-once.ts FORMAT FILE`. Tests start it with other
// processors than their own.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MovieFormat } from '../../../common/outputs/output-formats.ts';
import { encodeFrames } from '../../../workers/media/encode.ts';
import { cloth } from './clips.ts';

const [format = 'mp4', path = ''] = process.argv.slice(2);
// Large enough for every encoder to cut it up, if it would.
const size = { width: 320, height: 256 };

async function* frames(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 10; i++) yield cloth(i, size).rgb;
}

await encodeFrames({ path, format: format as MovieFormat, framesPerSecond: 8, ...size }, frames());
process.stdout.write(
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex'),
);
