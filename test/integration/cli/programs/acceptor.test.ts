// What a coordinator refuses of a spec by the graphs of its models: asked before anything is uploaded, and when a job is taken. On the tiny set, none of
// whose UNets has a layer that joins a skip connection.

import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Acceptor } from '../../../../cli/programs/acceptor.ts';
import { putSource } from '../../../../common/sources/source.ts';
import { createMemoryStore } from '../../../../common/store/memory/index.ts';
import type { Store } from '../../../../common/store/ports.ts';
import { unnamedSource } from '../../../../coordinator/domain/check-sources.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { TINY_SET } from '../../../support/models/paths.ts';

const CLIP = join(import.meta.dirname, '../../../../examples/source.mp4');
const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const settings = {
  ...{ apiVersion: 'bivdiff/v1', input: { path: CLIP }, prompt: 'go', task: 'controlnet' },
  frames: 4,
};
const FAST = parseRenderSpec({ ...settings, fast: true, steps: 1000 }, 'the test');
const REFUSED = {
  code: 'invalid-argument',
  details: {
    problems: [
      expect.stringMatching(/^fast: features of image\/unet\+canny \(\/.*\.onnx\) and video\/tiny/),
      expect.stringMatching(/^steps: 1000 do not fit/),
    ],
  },
};

describe('a spec that uses features again of graphs that cannot be cut', () => {
  let store: Store;
  let acceptor: Acceptor;
  beforeAll(() => {
    store = createMemoryStore();
    const workers = { mostMemoryOf: () => undefined };
    acceptor = new Acceptor(store, {
      ...{ modelsFolder: TINY_SET, workers },
      numerics: () => Promise.resolve(numerics),
    });
  });
  afterAll(async () => {
    await acceptor.close();
    await store.close();
  });

  it('is refused, with what else is wrong, before its source is uploaded', async () => {
    const seen = { path: CLIP, frames: 64, width: 64, height: 64, alpha: false };
    await expect(acceptor.check(FAST, seen, {})).rejects.toMatchObject(REFUSED);
    const whole = parseRenderSpec(settings, 'the test');
    expect(await acceptor.check(whole, seen, {})).toMatchObject({ task: 'controlnet' });
  });

  it('hides nothing of what else is wrong by naming no set of the farm', async () => {
    const seen = { path: CLIP, frames: 4, width: 64, height: 64, alpha: false };
    const problems = [
      expect.stringMatching(/^models: no model set nosuch/),
      expect.stringMatching(/^frames: .* has 4 frames, but 13 are needed/),
    ];
    const spec = { ...FAST, models: 'nosuch' };
    await expect(acceptor.check(spec, seen, {})).rejects.toMatchObject({ details: { problems } });
    const draft = { spec, unknown: ['seed'], source: unnamedSource(seen), sources: {} };
    expect(await acceptor.checkDraft(draft)).toEqual(problems);
    expect(await acceptor.checkDraft({ ...draft, unknown: ['frames'] })).toEqual([problems[0]]);
  });

  it('is refused when it comes with its source', async () => {
    const source = await putSource(store, CLIP);
    await expect(acceptor.accept(FAST, source, {})).rejects.toMatchObject(REFUSED);
  });
});
