// Model sets on disk, and every way in which one can fail to be whole.

import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { openModelSet } from '../../../../common/models/model-folder.ts';
import { useTinySet } from '../../../support/models/tiny-set-copy.ts';

const tiny = useTinySet();
const { inSet, inspect } = tiny;

describe('a model set that is not whole', () => {
  it.each<[string, string, string, RegExp]>([
    ['the text encoder', 'image/text_encoder/model.onnx', 'image/text-encoder', /is missing/],
    ['the UNet', 'image/unet/model.onnx', 'image/unet', /is missing/],
    ['a ControlNet', 'image/unet_controlnet-canny.onnx', 'image/unet+canny', /is missing/],
    [
      'weights',
      'image/controlnet-canny/diffusion_pytorch_model.safetensors',
      'image/unet+canny',
      /is missing; .*unet_controlnet-canny\.onnx names it as its weights/,
    ],
    ['a config', 'video/tiny/unet/config.json', 'video/tiny/unet', /is missing/],
    [
      'the noise schedule',
      'image/scheduler/scheduler_config.json',
      'image/scheduler',
      /is missing/,
    ],
    ['the card', 'card.json', 'card', /is missing/],
  ])('names the file, the part and what to do: %s', async (_, file, part, problem) => {
    await rm(inSet(file));
    const { problems, set } = await inspect();
    expect(set).toBeUndefined();
    expect(problems).toEqual([
      {
        part,
        path: inSet(file),
        problem: expect.stringMatching(problem) as string,
        hint: expect.any(String) as string,
      },
    ]);
    await expect(openModelSet(tiny.folder(), { cacheFolder: false })).rejects.toMatchObject({
      code: 'failed-precondition',
      message: expect.stringContaining(inSet(file)) as string,
      hint: problems[0]!.hint,
    });
  });

  it('names every place where a graph may lie', async () => {
    await rm(inSet('image', 'vae_encoder.onnx'));
    const { problems } = await inspect();
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe(inSet('image', 'vae_encoder', 'model.onnx'));
    expect(problems[0]?.problem).toContain(inSet('image', 'vae_encoder.onnx'));
  });

  it('tells all its problems at once', async () => {
    await rm(inSet('image', 'unet', 'model.onnx'));
    await rm(inSet('image', 'tokenizer', 'merges.txt'));
    await truncate(inSet('image', 'vae', 'diffusion_pytorch_model.safetensors'), 64);
    await writeFile(inSet('video', 'tiny', 'unet', 'config.json'), '{"in_channels": 4}');
    const { problems, parts } = await inspect();
    expect(problems.map(({ part }) => part)).toEqual([
      'image/tokenizer',
      'image/unet',
      'image/vae-encoder',
      'image/vae-decoder',
      'video/tiny/unet',
    ]);
    expect(problems[2]?.problem).toMatch(/has 64 bytes; .*vae_encoder\.onnx reads up to byte \d+/);
    expect(problems[4]?.problem).toContain('has no `window`');
    expect(parts.map(({ name }) => name)).toContain('image/text-encoder');
    await expect(openModelSet(tiny.folder(), { cacheFolder: false })).rejects.toThrow(
      /has 5 problems:\n {2}/,
    );
  });

  it('tells a graph that is damaged, empty or something else', async () => {
    const graph = inSet('image', 'unet', 'model.onnx');
    const bytes = await readFile(graph);
    for (const broken of [bytes.subarray(0, bytes.length - 40), '', '<html>'.repeat(100)]) {
      await writeFile(graph, broken);
      const { problems } = await inspect();
      expect(problems).toMatchObject([{ part: 'image/unet', path: graph }]);
      expect(problems[0]?.problem).toMatch(/is not a sound ONNX model/);
    }
  });

  it('tells a config that is no JSON', async () => {
    await writeFile(inSet('image', 'unet', 'config.json'), '{"in_channels": ');
    const { problems } = await inspect();
    expect(problems.map(({ part }) => part)).toEqual([
      'image/unet',
      'image/unet-inflated',
      'image/unet+canny',
    ]);
    expect(problems[0]?.problem).toMatch(/cannot be read as JSON/);
  });

  it("tells weights that lie outside the graph's folder", async () => {
    await cp(inSet('image', 'unet_controlnet-canny.onnx'), inSet('image', 'x.onnx'));
    const bytes = await readFile(inSet('image', 'x.onnx'), 'latin1');
    const moved = bytes
      .replaceAll('controlnet-canny/', '../../elsewhere/x')
      .replaceAll('unet/', 'unet/');
    await writeFile(inSet('image', 'unet_controlnet-canny.onnx'), moved, 'latin1');
    const { problems } = await inspect();
    expect(problems[0]).toMatchObject({ part: 'image/unet+canny' });
    expect(problems[0]?.problem).toMatch(/lies outside the graph's folder/);
  });

  it('is a folder that does not exist, or a card that is wrong', async () => {
    const absent = join(tiny.folder(), 'absent');
    await expect(openModelSet(absent)).rejects.toMatchObject({
      code: 'failed-precondition',
      message: `the model set ${absent} cannot be used: card: ${join(absent, 'card.json')} is missing`,
    });
    await writeFile(inSet('card.json'), '{"apiVersion": "bivdiff/v1"}');
    const { problems } = await inspect();
    expect(problems.length).toBeGreaterThan(5);
    expect(problems.every(({ part, path }) => part === 'card' && path === inSet('card.json'))).toBe(
      true,
    );
  });
});
