// Sessions over real graphs: values in and out, and every way in which a graph or its feeds can be wrong.

import { copyFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { OnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';
import { graphPath } from '../../../support/models/paths.ts';

let folder: string;
let opened: OnnxSession[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-session-'));
  opened = [];
});

afterEach(async () => {
  for (const session of opened) await session.release();
  await rm(folder, { recursive: true });
});

async function open(graph: string, threads = 1): Promise<OnnxSession> {
  const session = await openOnnxSession({ name: 'the-part', graph, threads });
  opened.push(session);
  return session;
}

function floats(...values: number[]): Tensor {
  return floatTensor([values.length], Float32Array.from(values));
}

function integers(...values: number[]): Tensor {
  return { type: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}

describe('a session', () => {
  it('tells its inputs and outputs', async () => {
    const session = await open(graphPath('add.onnx'));
    expect(session.inputs).toMatchObject([
      { name: 'a', type: 'float32', shape: ['n', 'm'] },
      { name: 'b', type: 'float32', shape: ['n', 'm'] },
    ]);
    expect(session.outputs).toMatchObject([{ name: 'sum', type: 'float32', shape: ['n', 'm'] }]);
  });

  it('runs on any size of its dynamic dimensions', async () => {
    const session = await open(graphPath('add.onnx'));
    const square = floatTensor([2, 2], Float32Array.of(1, 2, 3, 4));
    expect(await session.run({ a: square, b: square })).toEqual({
      sum: floatTensor([2, 2], Float32Array.of(2, 4, 6, 8)),
    });
    const row = floatTensor([1, 3], Float32Array.of(1, 2, 3));
    const { sum } = await session.run({ a: row, b: row });
    expect(sum).toEqual(floatTensor([1, 3], Float32Array.of(2, 4, 6)));
  });

  it('reads feeds from shared memory', async () => {
    const session = await open(graphPath('add.onnx'));
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([5, 6]);
    const tensor = floatTensor([1, 2], shared);
    const { sum } = await session.run({ a: tensor, b: tensor });
    expect(sum?.data).toEqual(Float32Array.of(10, 12));
  });

  it('feeds a float16 graph with float32 and gives float32 back', async () => {
    const session = await open(graphPath('half-double.onnx'));
    expect(session.inputs).toMatchObject([{ name: 'x', type: 'float16' }]);
    const { y } = await session.run({ x: floats(1, -2.5, 1000, 2 ** -24) });
    expect(y).toEqual(floats(2, -5, 2000, 2 ** -23));
  });

  it('feeds a float16 graph with half bits as they are', async () => {
    const session = await open(graphPath('half-double.onnx'));
    const halves: Tensor = { type: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) };
    const { y } = await session.run({ x: halves });
    expect(y).toEqual(floats(2, -4));
  });

  it('feeds int32 inputs with int64 and gives int64 back', async () => {
    const session = await open(graphPath('integers.onnx'));
    const outputs = await session.run({ ids: integers(1, 2), narrow: integers(10, -20) });
    expect(outputs).toEqual({ total: integers(11, -18), narrow_total: integers(11, -18) });
  });

  it('repeats one timestep for a graph that wants one for each sample', async () => {
    const session = await open(graphPath('timestep-per-sample.onnx'));
    const sample = floatTensor([3, 2]);
    const timestep = floatTensor([], Float32Array.of(7));
    const outputs = await session.run({ sample, timestep });
    expect(outputs['out_sample']).toEqual(floatTensor([3, 2], new Float32Array(6).fill(7)));
  });

  it('feeds a one-element list to an input of rank 0', async () => {
    const session = await open(graphPath('slow.onnx'));
    const { y } = await session.run({ x: floatTensor([1, 24]), rounds: integers(2) });
    expect(y?.shape).toEqual([1, 24]);
  });

  it('reads weights from a safetensors file that another graph shares', async () => {
    const first = await open(graphPath('shared-first.onnx'));
    const second = await open(graphPath('shared-second.onnx'));
    const x = floatTensor([1, 4], Float32Array.of(1, 1, 1, 1));
    expect((await first.run({ x }))['y']?.data).toEqual(Float32Array.of(0, 1, 2, 3));
    expect((await second.run({ x }))['y']?.data).toEqual(Float32Array.of(4, 5, 6, 7));
  });

  it('gives equal bits with one thread and with two, in one session and in the next', async () => {
    const size = 4 * 48 * 40;
    const data = Float32Array.from({ length: 2 * size }, (_, i) => Math.sin(i / 3));
    const sample = floatTensor([2, 4, 48, 40], data);
    const one = await (await open(graphPath('network.onnx'), 1)).run({ sample });
    const two = await (await open(graphPath('network.onnx'), 2)).run({ sample });
    const three = await (await open(graphPath('network.onnx'), 3)).run({ sample });
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    const alone = floatTensor([1, 4, 48, 40], data.slice(0, size));
    const single = await (await open(graphPath('network.onnx'), 2)).run({ sample: alone });
    expect(single['out_sample']?.data).toEqual(one['out_sample']?.data.slice(0, size));
  });

  it('adds up the time inside its runs', async () => {
    const session = await open(graphPath('slow.onnx'));
    expect(session.busySeconds).toBe(0);
    await session.run({ x: floatTensor([1, 24]), rounds: integers(20_000) });
    expect(session.busySeconds).toBeGreaterThan(0.001);
  });

  it('refuses to run once released', async () => {
    const session = await open(graphPath('log.onnx'));
    await session.release();
    await session.release();
    await expect(session.run({ x: floats(1) })).rejects.toMatchObject({
      code: 'failed-precondition',
      message: 'graph the-part was released',
    });
  });
});

describe('a run with wrong feeds', () => {
  it.each<[string, string, Record<string, Tensor>, string]>([
    ['names a missing feed', 'log.onnx', {}, 'input x: expected float32 [n]; found nothing'],
    [
      'names an unknown feed',
      'log.onnx',
      { x: floats(1), latent: floats(1) },
      'input latent: expected one of x; found no such input',
    ],
    [
      'names a wrong type',
      'log.onnx',
      { x: integers(1) },
      'input x: expected float32 [n]; found int64 [1]',
    ],
    [
      'names a wrong rank',
      'log.onnx',
      { x: floatTensor([1, 2]) },
      'input x: expected float32 [n]; found float32 [1, 2]',
    ],
    [
      'names a wrong fixed size',
      'network.onnx',
      { sample: floatTensor([1, 8, 4, 4]) },
      'input sample: expected float32 [batch, 4, height, width]; found float32 [1, 8, 4, 4]',
    ],
  ])('%s', async (_, graph, feeds, message) => {
    const session = await open(graphPath(graph));
    await expect(session.run(feeds)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `graph the-part: ${message}`,
    });
  });

  it('says that sizes do not go together', async () => {
    const session = await open(graphPath('seven.onnx'));
    const failed = session.run({ x: floats(1, 2, 3) });
    await expect(failed).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(failed).rejects.toThrow(/the sizes of its inputs do not go together.*\{7\}/);
  });

  it('says that memory does not suffice, and goes on afterwards', async () => {
    const session = await open(graphPath('expand.onnx'));
    const failed = session.run({ x: floats(1), shape: integers(1_000_000, 10_000_000) });
    await expect(failed).rejects.toMatchObject({
      code: 'resource-exhausted',
      retry: 'other-worker',
      hint: expect.stringContaining('memory') as string,
    });
    const { y } = await session.run({ x: floats(3), shape: integers(1, 2) });
    expect(y?.data).toEqual(Float32Array.of(3, 3));
  });
});

describe('a run whose output is no number', () => {
  it.each([
    ['NaN', -1],
    ['infinity', 0],
  ])('names graph and output: %s', async (_, bad) => {
    const session = await open(graphPath('log.onnx'));
    await expect(session.run({ x: floats(1, bad, 2) })).rejects.toMatchObject({
      code: 'internal',
      message: 'graph the-part: output y has 1 of 3 values NaN or infinite',
    });
    expect((await session.run({ x: floats(1) }))['y']).toEqual(floats(0));
  });

  it('finds an overflow of float16', async () => {
    const session = await open(graphPath('half-double.onnx'));
    await expect(session.run({ x: floats(40_000) })).rejects.toThrow(/NaN or infinite/);
  });
});

describe('a graph that cannot be loaded', () => {
  async function expectRefusal(graph: string, what: RegExp): Promise<void> {
    const failed = open(graph);
    await expect(failed).rejects.toMatchObject({
      code: 'failed-precondition',
      hint: expect.any(String) as string,
    });
    await expect(failed).rejects.toThrow(what);
    await expect(failed).rejects.toThrow(graph);
  }

  it('is absent', async () => {
    await expectRefusal(join(folder, 'absent.onnx'), /does not exist/);
  });

  it.each([
    ['is empty', ''],
    ['is something else', '<html>404 Not Found</html>'.repeat(50)],
  ])('%s', async (_, text) => {
    await writeFile(join(folder, 'bad.onnx'), text);
    await expectRefusal(join(folder, 'bad.onnx'), /not a sound ONNX model/);
  });

  it('is cut off', async () => {
    const bytes = await readFile(graphPath('network.onnx'));
    await writeFile(join(folder, 'cut.onnx'), bytes.subarray(0, bytes.length / 2));
    await expectRefusal(join(folder, 'cut.onnx'), /not a sound ONNX model/);
  });

  it('lacks its weights file', async () => {
    await copyFile(graphPath('shared-first.onnx'), join(folder, 'model.onnx'));
    await expectRefusal(
      join(folder, 'model.onnx'),
      /weights file that it names is missing.*shared\.safetensors/,
    );
  });

  it('has a weights file that was cut off', async () => {
    await cp(graphPath('shared-first.onnx'), join(folder, 'model.onnx'));
    await cp(graphPath('shared.safetensors'), join(folder, 'shared.safetensors'));
    await truncate(join(folder, 'shared.safetensors'), 100);
    await expectRefusal(join(folder, 'model.onnx'), /weights file is shorter than the graph says/);
  });

  it('has a type that no stage can feed', async () => {
    await expect(open(graphPath('boolean.onnx'))).rejects.toMatchObject({
      code: 'failed-precondition',
      message:
        'graph the-part: x is bool; expected one of float32, float16, float64, uint8, int64, int32',
    });
  });

  it.each(['cuda', 'no-such-provider'])('is for the absent provider %s', async (provider) => {
    const failed = openOnnxSession({
      name: 'the-part',
      graph: graphPath('add.onnx'),
      threads: 1,
      executionProviders: [provider],
    });
    await expect(failed).rejects.toMatchObject({ code: 'failed-precondition' });
    await expect(failed).rejects.toThrow(/the execution provider cannot be used on this machine/);
  });
});
