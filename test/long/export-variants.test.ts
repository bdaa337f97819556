// Goal: graphs in other forms than that which the export gives them by itself compute what torch does, as well as the form can, and a graph that
// does not is named. Method: one set of small random models, its graphs written anew in each form, held against torch, and looked at and rendered with here.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { inspectModelSet } from '../../common/models/model-folder.ts';
import { endOfCli, startCli } from '../support/cli-process.ts';
import { checkedGraphs, exporter, needPython, refusal } from '../support/exporter.ts';

const SOURCE = join(import.meta.dirname, '../../examples/source.mp4');

let folder: string;
let set: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-variants-'));
  set = join(folder, 'set');
  await needPython();
  const parts = join(folder, 'parts');
  await exporter('rehearse', parts);
  await exporter(
    ...['models', '--name', 'rehearsal', '--license', 'none', '--out', set, '--size', '128x128'],
    ...['--image', join(parts, 'image'), '--compute', 'fp16'],
    ...['--motion-adapter', `animatediff=${join(parts, 'motion-adapter')}`],
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Facts {
  /** By the part's name. */
  readonly digests: Readonly<Record<string, string>>;
  /** Of all parts together. */
  readonly bytes: number;
}

async function factsOf(): Promise<Facts> {
  const { parts } = await inspectModelSet(set, { cacheFolder: false });
  const graphs = parts.filter(({ graph }) => graph !== undefined);
  return {
    digests: Object.fromEntries(graphs.map(({ name, digest }) => [name, digest])),
    bytes: graphs.reduce((sum, part) => sum + part.bytes, 0),
  };
}

/** Every graph differs from torch by more than one in float32 would, and by no more than this share of its greatest value. */
async function expectForm(form: string, shareMax: number): Promise<void> {
  const checked = await checkedGraphs(set);
  expect(checked).toHaveLength(10);
  for (const one of checked) {
    expect(one.form, one.graph).toBe(form);
    expect(one.share, one.graph).toBeGreaterThan(1e-4);
    expect(one.share, one.graph).toBeLessThan(shareMax);
  }
  const check = await endOfCli(startCli(['models', 'check', set]));
  expect(check.stdout).toContain(`\n  ${form} graphs: image/text-encoder, image/unet, `);
  expect(check.stdout).toMatch(/\nall sound\n$/);
  const output = join(folder, `${form}.mp4`);
  const words = ['render', '--quiet', '--models', set, '--task', 'frames', '--input', SOURCE];
  words.push('--prompt', 'a red star', '--frames', '8', '--steps', '2', '--output', output);
  const ended = await endOfCli(startCli([...words, '--store', join(folder, 'store')]));
  expect(ended.code, ended.stderr).toBe(0);
}

describe('graphs', () => {
  let half: Facts;

  it('compute in float16, sums in float32', async () => {
    await expectForm('float16', 2e-2);
    half = await factsOf();
  });

  it('have weights of 8 bits', async () => {
    await exporter('graphs', set, '--int8-weights');
    await expectForm('int8', 5e-2);
    const { bytes, digests } = await factsOf();
    expect(bytes / half.bytes).toBeLessThan(0.65);
    for (const [part, digest] of Object.entries(digests)) {
      expect(digest, part).not.toBe(half.digests[part]);
    }
  });

  it('are both, and have plain attention', async () => {
    await exporter('graphs', set, '--compute', 'fp16', '--int8-weights', '--plain-attention');
    await expectForm('float16+int8', 5e-2);
  });

  it('are named where they differ by more than they may', async () => {
    const path = join(set, 'image/unet/model.onnx');
    const graph = await readFile(path);
    // Of the sines and cosines of the timestep.
    const cosine = graph.indexOf(Buffer.from('\x22\x03Cos'));
    expect(cosine).toBeGreaterThan(0);
    graph.write('Sin', cosine + 2);
    await writeFile(path, graph);
    const { code, stderr } = await refusal('check', set);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      `${set}: differ from torch by more than they may: image/unet/model.onnx`,
    );
  });
});
