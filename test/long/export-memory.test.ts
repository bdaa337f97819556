// Goal: who has the memory for a model in float32 can export it and check it. Method: Stable Diffusion 1.5 and ZeroScope at their real size, with random
// weights: rehearse, export, check; what each says that it took at most is held against the largest file of weights. At this size the 0.8 GiB that
// Python and its libraries take are a seventh, so they are counted. Takes 7 GiB of memory, 10 GB of disk, and a Python with models/requirements.txt.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { exporter, needPython, type Peak, peakIn } from '../support/exporter.ts';

const SHARE_MAX = 1.3;
const TIMEOUT_MS = 3_600_000;

let folder: string;
let set: string;
let largestBytes: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-memory-'));
  set = join(folder, 'set');
  await needPython();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function holdToModel(peak: Peak, what: string): void {
  const share = peak.bytes / largestBytes;
  process.stderr.write(`${what}: ${(peak.bytes / 2 ** 30).toFixed(2)} GiB, ${share.toFixed(3)}\n`);
  expect(Math.abs(peak.share - share)).toBeLessThan(0.01);
  expect(share, what).toBeLessThan(SHARE_MAX);
}

it('an export takes less than 1.3 times its largest model', { timeout: TIMEOUT_MS }, async () => {
  const weights = join(folder, 'weights');
  await exporter('rehearse', weights, '--form', 'full');
  const printed = await exporter(
    ...['models', '--name', 'full', '--license', 'none', '--out', set],
    ...['--image', join(weights, 'image'), '--video', `zeroscope=${join(weights, 'video')}`],
  );
  await rm(weights, { recursive: true });
  const unet = join(set, 'video/zeroscope/unet/diffusion_pytorch_model.safetensors');
  // It stores float16.
  largestBytes = 2 * (await stat(unet)).size;
  holdToModel(peakIn(printed), 'export');
});

it('so does a check of what was exported', { timeout: TIMEOUT_MS }, async () => {
  holdToModel(peakIn(await exporter('check', set)), 'check');
});
