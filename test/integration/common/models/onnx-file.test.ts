// What is read from ONNX files themselves, against what is known of the graphs of test/support/models.

import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readOnnxFile } from '../../../../common/models/onnx-file.ts';
import { graphPath } from '../../../support/models/paths.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-onnx-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('an ONNX file', () => {
  it.each([
    ['without weights', 'add.onnx', [], 0],
    ['with weights inside', 'network.onnx', [], 4 * (16 * 4 * 9 + 4 * 16 * 9 + 2 * 256 + 8) + 48],
    ['with weights outside', 'large.onnx', [{ location: 'large.bin', bytesNeeded: 0 }], 2 ** 26],
    ['in float16, which is loaded as float32', 'half-double.onnx', [], 4],
    [
      'with a part of a file that others share',
      'shared-second.onnx',
      [{ location: 'shared.safetensors', bytesNeeded: 160 }],
      16,
    ],
    ['with weights used inside a loop', 'slow.onnx', [], 24 * 24 * 4],
  ])('tells its weights: %s', (_, graph, externalFiles, weightBytes) => {
    expect(readOnnxFile(graphPath(graph))).toMatchObject({ externalFiles, weightBytes });
  });

  it.each([
    ['', 'group-norm.onnx', ['GroupNormalization']],
    [', also inside a loop', 'slow.onnx', ['Identity', 'Loop', 'MatMul', 'Tanh']],
  ])('tells its operators%s', (_, graph, operators) => {
    expect(readOnnxFile(graphPath(graph)).operators).toEqual(operators);
  });

  it('tells its inputs, those of a loop inside not among them', () => {
    expect(readOnnxFile(graphPath('add.onnx')).inputs).toEqual(['a', 'b']);
    expect(readOnnxFile(graphPath('slow.onnx')).inputs).toEqual(['x', 'rounds']);
  });

  it('tells what form the export gave it, in which float16 may stay float16', async () => {
    const path = join(folder, 'half.onnx');
    const entry = Buffer.from('\n\x0cbivdiff.form\x12\x07float16');
    const metadata = Buffer.from([0x72, entry.length]);
    await writeFile(path, [await readFile(graphPath('half-double.onnx')), metadata, entry]);
    expect(readOnnxFile(path)).toMatchObject({ form: 'float16', weightBytes: 2 });
    expect(readOnnxFile(graphPath('half-double.onnx'))).not.toHaveProperty('form');
  });

  it('of gigabytes is read in no time, since its weights are passed over', async () => {
    // A graph with one tensor of 3 GiB of raw data: a hole in the file.
    const rawBytes = 3 * 2 ** 30;
    const raw = Buffer.concat([Buffer.from([0x4a]), varint(rawBytes)]);
    const dims = Buffer.concat([Buffer.from([0x08]), varint(rawBytes / 4), Buffer.from([0x10, 1])]);
    const tensorBytes = dims.length + raw.length + rawBytes;
    const tensor = Buffer.concat([Buffer.from([0x2a]), varint(tensorBytes)]);
    const graph = Buffer.concat([Buffer.from([0x3a]), varint(tensor.length + tensorBytes)]);
    const path = join(folder, 'huge.onnx');
    const file = await open(path, 'w');
    const head = Buffer.concat([graph, tensor, dims, raw]);
    await file.write(head);
    await file.truncate(head.length + rawBytes);
    await file.close();
    const startedMs = performance.now();
    expect(readOnnxFile(path)).toEqual({
      externalFiles: [],
      weightBytes: rawBytes,
      inputs: [],
      operators: [],
    });
    expect(performance.now() - startedMs).toBeLessThan(500);
  });

  it.each<[string, number[] | string]>([
    ['is empty', []],
    ['has a field that passes its end', [0x3a, 0x7f, 0x00]],
    ['ends within a number', [0x08, 0xff, 0xff]],
    ['has a wire type that does not exist', [0x0f]],
    ['has a field of number 0', [0x02, 0x00]],
    ['has a number that never ends', [0x08, ...new Array<number>(20).fill(0xff)]],
    ['has a number where its graph should be', [0x38, 0x01]],
    ['is text', 'version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n'],
  ])('is refused if it %s', async (_, bytes) => {
    const path = join(folder, 'bad.onnx');
    await writeFile(path, typeof bytes === 'string' ? bytes : Uint8Array.from(bytes));
    expect(() => readOnnxFile(path)).toThrow(
      expect.objectContaining({
        code: 'failed-precondition',
        message: expect.stringContaining(`${path} is not a sound ONNX model`) as string,
      }) as Error,
    );
  });

  it('is refused if it does not exist', () => {
    const path = join(folder, 'absent.onnx');
    expect(() => readOnnxFile(path)).toThrow(
      expect.objectContaining({
        code: 'failed-precondition',
        message: `${path} does not exist`,
      }) as Error,
    );
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}
