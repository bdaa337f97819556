// Every recorded run of diffusers, 1,116 of them: prediction types, spacings of
// timesteps and of noise levels, zero SNR, clipping, thresholding, solver orders, listed timesteps.

import { describe, expect, it } from 'vitest';

import { cumulativeAlphas } from '../../../../common/diffusion/noise-schedule.ts';
import { readSchedulerConfig } from '../../../../common/diffusion/scheduler-config.ts';
import {
  GOLDEN_BATCH,
  digestOf,
  goldenFloats,
  goldenGrid,
  goldenModel,
  goldenNoise,
  goldenStart,
  relativeError,
  runLoop,
  schedulerOf,
} from './goldens.ts';
import type { DiffusersClass, GoldenRun } from './goldens.ts';

const { runs, tables } = goldenGrid();
const ends = goldenFloats('ends');
const size = ends.length / runs.length;

const CLASSES: readonly DiffusersClass[] = [
  'DDIMScheduler',
  'DDIMInverseScheduler',
  'PNDMScheduler',
  'EulerAncestralDiscreteScheduler',
  'DPMSolverMultistepScheduler',
  'EulerDiscreteScheduler',
  'HeunDiscreteScheduler',
  'UniPCMultistepScheduler',
  'DEISMultistepScheduler',
  'LCMScheduler',
];

describe.each(CLASSES)('%s, over the grid of configs', (name) => {
  const entries = runs
    .map((run, i) => ({ run, expected: ends.subarray(i * size, (i + 1) * size) }))
    .filter(({ run }) => run.class === name)
    .map(({ run, expected }) => ({ run, expected, actual: lastState(run) }));

  it('ends where diffusers ends', () => {
    const far = entries.filter(
      ({ run, actual, expected }) => !(relativeError(actual, expected) <= toleranceOf(run)),
    );
    expect(entries.length).toBeGreaterThan(40);
    expect(far.map(({ run }) => run)).toEqual([]);
  });

  it('ends on the bits of diffusers with correctly rounded roots, logarithms and exponentials', () => {
    const differing = entries.filter(
      ({ run, actual }) => digestOf(actual).slice(0, 16) !== run.rounded,
    );
    expect(differing.map(({ run }) => run)).toEqual([]);
  });
});

describe('cumulative products of alphas', () => {
  it.each(tables.map(({ config, rounded }, i) => ({ i, config, rounded })))(
    'equal those of diffusers for table $i',
    ({ i, config, rounded }) => {
      const alphas = cumulativeAlphas(readSchedulerConfig(config, 'ddim'));
      expect(relativeError(alphas, goldenFloats(`alphas-${i}`))).toBeLessThan(1e-6);
      expect(digestOf(alphas)).toBe(rounded);
    },
  );
});

/**
 * DEIS's weights are differences of numbers that are alike, larger than they by up to a thousand, so one last bit of a logarithm shows:
 * with the same bits of roots and logarithms the states are equal, as the next test says.
 */
function toleranceOf({ class: name, config }: GoldenRun): number {
  if (name !== 'DEISMultistepScheduler') return 1e-5;
  return config['solver_order'] === 3 ? 1e-3 : 1e-4;
}

function lastState(run: GoldenRun): Float32Array {
  const scheduler = schedulerOf(run);
  const scale = 'initNoiseSigma' in scheduler ? scheduler.initNoiseSigma : 1;
  return runLoop(scheduler, {
    sample: goldenStart().map((x) => x * scale),
    model: goldenModel,
    batch: GOLDEN_BATCH,
    noise: goldenNoise,
  });
}
