import { describe, expect, it } from 'vitest';

import { workOfJob } from '../../../../coordinator/domain/stage-work.ts';
import type { ConfigLookup } from '../../../../coordinator/domain/stage-work.ts';
import type { Stage } from '../../../../common/task.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const config = { block_out_channels: [32, 64], layers_per_block: 1 };
const all: ConfigLookup = () => config;
const totalOf = (stage: Stage, changes: Parameters<typeof acceptedJob>[0] = {}): number =>
  workOfJob(acceptedJob(changes), all).get(stage)?.total ?? NaN;

describe('the work of a stage', () => {
  it.each(['generate', 'encode', 'invert-image', 'invert-video', 'smooth', 'decode'] as const)(
    'grows faster than the pixels: %s',
    (stage) => {
      const ratio = totalOf(stage, { width: 256, height: 256 }) / totalOf(stage);
      expect(ratio).toBeGreaterThan(4);
      expect(ratio).toBeLessThan(16);
    },
  );

  it.each(['annotate', 'mix', 'measure'] as const)('grows with the pixels: %s', (stage) => {
    expect(totalOf(stage, { width: 256, height: 256 })).toBe(4 * totalOf(stage));
  });

  it('grows with steps and with guidance where there are any', () => {
    expect(totalOf('smooth', { steps: 100 })).toBe(2 * totalOf('smooth'));
    expect(totalOf('smooth', { videoGuidanceScale: 1 })).toBe(totalOf('smooth') / 2);
    expect(totalOf('invert-video', { videoGuidanceScale: 1 })).toBe(totalOf('invert-video'));
    expect(totalOf('decode', { steps: 100 })).toBe(totalOf('decode'));
  });

  it('counts how often a sampler asks the model', () => {
    const drawn = (changes: Parameters<typeof acceptedJob>[0]): number =>
      totalOf('generate', changes) - totalOf('decode');
    expect(drawn({ sampler: 'heun', steps: 50 })).toBeCloseTo((99 / 50) * drawn({ steps: 50 }), -2);
    expect(drawn({ sampler: 'unipc', steps: 50 })).toBe(drawn({ steps: 50 }));
    expect(drawn({ sampler: 'lcm', timesteps: [999, 499] })).toBe(drawn({ steps: 2 }));
  });

  it('counts what is left of steps that cost less, in memory nothing', () => {
    const half = totalOf('smooth', { guidanceEnd: 0.5 });
    expect(half).toBe(0.75 * totalOf('smooth'));
    const cached = totalOf('smooth', { cacheInterval: 5 });
    expect(cached).toBeLessThan(0.5 * totalOf('smooth'));
    expect(totalOf('generate', { cacheInterval: 5 })).toBeLessThan(totalOf('generate'));
    expect(totalOf('invert-video', { cacheInterval: 5 })).toBe(totalOf('invert-video'));
    const long = { mode: 'co-denoise', stride: 4, block: 1 } as const;
    const stepwise = totalOf('smooth', { frames: 16, long });
    expect(totalOf('smooth', { frames: 16, long, cacheInterval: 5 })).toBe(stepwise);
  });

  it('counts frames that two windows share for both', () => {
    // Frames 0 to 7, and 1 to 8.
    expect(totalOf('smooth', { frames: 9 })).toBe(2 * totalOf('smooth'));
  });

  it('is left out where the config of a graph is not at hand', () => {
    const { models } = acceptedJob();
    const works = workOfJob(acceptedJob(), (digest) =>
      digest === models.videoUnet.digest ? undefined : config,
    );
    expect(works.has('smooth')).toBe(false);
    expect(works.get('generate')?.graphs).toBe(
      [models.controlUnet.digest, models.vaeDecoder.digest].join(),
    );
    expect(works.get('measure')?.graphs).toBe('');
  });
});
