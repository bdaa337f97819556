// What a comparison calls jobs, and the specs that it shows of them.

import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';

import { specText } from '../../../../cli/compare/compared.ts';
import { jobLabels } from '../../../../cli/compare/job-labels.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';

const job = (settings: object) => ({
  jobId: 'abcdef0123456789',
  job: {
    ...{ task: 'controlnet', prompt: 'a red square', mixingRatio: 0.35, seed: 42 },
    models: { videoUnet: { name: 'video/a/unet', digest: '1' } },
    ...settings,
  } as unknown as AcceptedJob,
});

describe('jobs beside each other', () => {
  it('are called by what differs', () => {
    expect(jobLabels([job({}), job({ mixingRatio: 1 })])).toEqual([
      'mixing ratio 0.35',
      'mixing ratio 1',
    ]);
    const other = { models: { videoUnet: { name: 'video/b/unet', digest: '2' } }, seed: 7 };
    expect(jobLabels([job({}), job(other)])).toEqual([
      'seed 42, video unet video/a/unet',
      'seed 7, video unet video/b/unet',
    ]);
  });

  it('are called by task and prompt where nothing does, and by their ids where too much does', () => {
    expect(jobLabels([job({})])).toEqual(['controlnet, a red square']);
    const unlike = { prompt: 'b', mixingRatio: 0, seed: 1, steps: 3 };
    expect(jobLabels([job({}), job(unlike)])[1]).toBe('controlnet abcdef01');
  });
});

describe('a spec to copy', () => {
  it('means the same as the one that was rendered, in few words', () => {
    const given = {
      ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', prompt: 'a red square', frames: 8 },
      ...{ input: { path: '/home/x/clip.mp4', start: 2, stride: 4 }, control: { scale: 0.5 } },
      ...{ mixingRatio: 1, models: '/home/x/sets/mine', size: '64x32' },
    };
    const spec = parseRenderSpec(given, 'the test');
    const text = specText(spec);
    expect(parse(text)).toEqual({
      ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', prompt: 'a red square' },
      ...{ input: { path: 'clip.mp4', start: 2 }, control: { scale: 0.5 } },
      ...{ mixingRatio: 1, models: 'mine', size: { width: 64, height: 32 } },
    });
    const input = { ...spec.input, path: 'clip.mp4' };
    expect(parseRenderSpec(parse(text), 'the copy')).toEqual({ ...spec, input, models: 'mine' });
  });
});
