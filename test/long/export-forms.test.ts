// Goal: weights are read in whatever files they were published. Method: the same small random models in each form, each exported; graphs and stored
// weights have to be those of plain safetensors files, to the byte where the form rounds nothing that the set does not.

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { exporter, needPython } from '../support/exporter.ts';

const UNET = 'image/unet/diffusion_pytorch_model.safetensors';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-forms-'));
  await needPython();
  await exportForm('safetensors');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Models of each library and kind, in files of that form, as a set. */
async function exportForm(form: string, ...flags: readonly string[]): Promise<void> {
  const parts = join(folder, `parts-${form}`);
  await exporter('rehearse', parts, '--form', form);
  await exporter(
    ...['models', '--name', 'rehearsal', '--license', 'none', '--out', join(folder, form)],
    ...[
      '--image',
      join(parts, 'image'),
      '--controlnet',
      `canny=${join(parts, 'controlnet-canny')}`,
    ],
    ...['--motion-adapter', `animatediff=${join(parts, 'motion-adapter')}`, ...flags],
  );
}

/** Digests of all files of a set that end in this. */
function digests(form: string, ending: string): Record<string, string> {
  const paths = globSync(`**/*.${ending}`, { cwd: join(folder, form) }).sort();
  const digest = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, form, path)))
      .digest('hex');
  return Object.fromEntries(paths.map((path) => [path, digest(path)]));
}

/** The float16 values of a set's UNet. */
function unetOf(form: string): Float16Array {
  const bytes = readFileSync(join(folder, form, UNET));
  const start = 8 + Number(bytes.readBigUInt64LE());
  return new Float16Array(Uint8Array.from(bytes.subarray(start)).buffer);
}

describe('weights as they are published', () => {
  it.each([
    ['bin'],
    ['sharded'],
    ['sharded-bin'],
    ['fp16', '--variant', 'fp16'],
    ['sharded-fp16', '--variant', 'fp16'],
  ])('in files of the form %s are those of plain files', async (form, ...flags) => {
    await exportForm(form, ...flags);
    expect(Object.keys(digests(form, 'onnx')).length).toBeGreaterThan(7);
    expect(digests(form, 'onnx')).toEqual(digests('safetensors', 'onnx'));
    expect(digests(form, 'safetensors')).toEqual(digests('safetensors', 'safetensors'));
  });

  it('as bfloat16 are read to its 8 bits', async () => {
    await exportForm('bf16');
    expect(digests('bf16', 'onnx')).toEqual(digests('safetensors', 'onnx'));
    const [plain, rounded] = [unetOf('safetensors'), unetOf('bf16')];
    expect(rounded).toHaveLength(plain.length);
    const off = plain.findIndex(
      (value, at) => Math.abs(value - (rounded[at] ?? NaN)) > Math.abs(value) / 250 + 1e-7,
    );
    expect(off).toBe(-1);
    expect(digests('bf16', 'safetensors')[UNET]).not.toBe(
      digests('safetensors', 'safetensors')[UNET],
    );
  });
});
