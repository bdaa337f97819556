import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { readSchedulerConfig } from '../../../../common/diffusion/scheduler-config.ts';
import type { Algorithm } from '../../../../common/diffusion/scheduler-config.ts';
import { createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { SAMPLERS } from '../../../../common/stages.ts';

/** As Stable Diffusion 1.5 ships it. */
const PNDM = {
  _class_name: 'PNDMScheduler',
  _diffusers_version: '0.6.0',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};

function problemsOf(raw: unknown, algorithm: Algorithm): readonly string[] {
  try {
    readSchedulerConfig(raw, algorithm);
  } catch (error) {
    expect(error).toBeInstanceOf(BivdiffError);
    expect((error as BivdiffError).code).toBe('invalid-argument');
    expect((error as BivdiffError).hint).toBeDefined();
    return (error as BivdiffError).details['problems'] as string[];
  }
  return [];
}

describe('a scheduler_config.json', () => {
  it("is read with the defaults of each algorithm's class", () => {
    expect(readSchedulerConfig({}, 'ddim')).toMatchObject({
      trainSteps: 1000,
      timestepSpacing: 'leading',
      setAlphaToOne: true,
      clipRange: 1,
      threshold: null,
    });
    expect(readSchedulerConfig({}, 'pndm')).toMatchObject({
      setAlphaToOne: false,
      clipRange: null,
      skipPrkSteps: false,
    });
    expect(readSchedulerConfig({}, 'dpm-solver++')).toMatchObject({
      timestepSpacing: 'linspace',
      solver: { order: 2, type: 'midpoint', lowerOrderFinal: true, finalSigmasType: 'zero' },
    });
    const noise = { betaStart: 0.00085, betaEnd: 0.012 };
    expect(readSchedulerConfig({}, 'heun')).toMatchObject({
      ...noise,
      betaSchedule: 'linear',
      timestepSpacing: 'linspace',
      clipRange: null,
    });
    expect(readSchedulerConfig({}, 'lcm')).toMatchObject({
      ...noise,
      betaSchedule: 'scaled_linear',
      clipRange: null,
      consistency: { originalSteps: 50, timestepScaling: 10 },
    });
    expect(readSchedulerConfig({}, 'unipc').solver).toMatchObject({ order: 2, type: 'bh2' });
    expect(readSchedulerConfig({}, 'euler')).toMatchObject({
      betaEnd: 0.02,
      timestepSpacing: 'linspace',
    });
  });

  it.each([
    ['dpm-solver++', 'bh2', 'midpoint'],
    ['dpm-solver++', 'heun', 'heun'],
    ['unipc', 'midpoint', 'bh2'],
    ['unipc', 'logrho', 'bh2'],
  ] as const)('of another solver has the own default of %s for its type %s', (name, type, own) => {
    expect(readSchedulerConfig({ solver_type: type }, name).solver.type).toBe(own);
  });

  it.each(['euler', 'heun', 'dpm-solver++', 'unipc', 'deis'] as const)(
    'cannot space the noise levels of %s in two ways',
    (name) => {
      const both = { use_karras_sigmas: true, use_beta_sigmas: true };
      expect(problemsOf(both, name)).toEqual([
        'use_karras_sigmas: only one of the use_…_sigmas can be true',
      ]);
    },
  );

  it.each(SAMPLERS)('of another class serves %s, its own keys ignored', (name) => {
    const sampler = createSampler(name, { ...PNDM, future_key: 'x' }, { steps: 10 });
    expect(sampler.timesteps.length).toBeGreaterThanOrEqual(10);
  });

  it('has all its problems named in one error', () => {
    const raw = {
      beta_schedule: 'laplace',
      prediction_type: 'flow_prediction',
      beta_end: 'much',
      algorithm_type: 'sde-dpmsolver++',
      use_lu_lambdas: true,
      final_sigmas_type: 'one',
      variance_type: 'learned',
      solver_order: 4,
    };
    const problems = problemsOf(raw, 'dpm-solver++');
    const keys = problems.map((problem) => problem.split(':')[0]);
    expect(keys.toSorted()).toEqual(Object.keys(raw).toSorted());
  });

  it.each([
    ['pndm', { prediction_type: 'sample' }],
    ['pndm', { rescale_betas_zero_snr: true }],
    ['euler-ancestral', { prediction_type: 'sample' }],
    ['bivdiff-inverse', { timestep_spacing: 'linspace' }],
    ['bivdiff-inverse', { prediction_type: 'v_prediction' }],
    ['bivdiff-inverse', { timestep_spacing: 'trailing' }],
    ['bivdiff-inverse', { rescale_betas_zero_snr: true }],
    ['ddim', { trained_betas: [0.1, 0.2], num_train_timesteps: 3 }],
    ['euler', { interpolation_type: 'log_linear' }],
    ['euler', { sigma_max: 700 }],
    ['heun', { rescale_betas_zero_snr: true }],
    ['heun', { beta_schedule: 'exp' }],
    ['unipc', { predict_x0: false }],
    ['unipc', { solver_p: 'DDIMScheduler' }],
    ['unipc', { solver_type: 'bh1' }],
    ['unipc', { lower_order_final: false }],
    ['unipc', { sigma_min: 0.1 }],
    ['unipc', { solver_order: 4 }],
    ['deis', { algorithm_type: 'sde-dpmsolver++' }],
    ['dpm-solver++', { algorithm_type: 'deis' }],
    ['deis', { rescale_betas_zero_snr: true }],
    ['lcm', { original_inference_steps: 1001 }],
  ] as const)('is refused by %s where it cannot honour %j', (algorithm, raw) => {
    expect(problemsOf(raw, algorithm)).toHaveLength(1);
  });

  it.each([
    ['ddim', { algorithm_type: 'sde-dpmsolver++', use_lu_lambdas: true, use_karras_sigmas: true }],
    ['ddim', { use_flow_sigmas: false, flow_shift: 1, use_dynamic_shifting: false, shift: null }],
    ['dpm-solver++', { variance_type: 'fixed_small' }],
    ['pndm', { thresholding: 'odd', clip_sample: 3 }],
    ['lcm', { timestep_spacing: 'linspace', steps_offset: 5, solver_type: 'x' }],
    ['euler', { thresholding: 'odd', solver_order: 9, lower_order_final: 3 }],
    ['unipc', { algorithm_type: 'sde-dpmsolver++', use_lu_lambdas: true }],
    ['unipc', { solver_type: 'bh1', final_sigmas_type: 'sigma_min', lower_order_final: false }],
  ] as const)('may hold anything that %s does not read', (algorithm, raw) => {
    expect(problemsOf(raw, algorithm)).toEqual([]);
  });

  it.each([-Infinity, '-Infinity', null])('may clip lambda at %s: not at all', (value) => {
    const { solver } = readSchedulerConfig({ lambda_min_clipped: value }, 'dpm-solver++');
    expect(solver.lambdaMinClipped).toBe(-Infinity);
  });

  it.each([Infinity, 'Infinity'])('may have bounds of %s, which bound nothing', (value) => {
    const bounds = { clip_sample_range: value, sample_max_value: value, thresholding: true };
    const config = readSchedulerConfig(bounds, 'ddim');
    expect(config.clipRange).toBe(Infinity);
    expect(config.threshold?.valueMax).toBe(Infinity);
  });

  it.each([
    ['ddim', { clip_sample_range: 'NaN' }],
    ['ddim', { thresholding: true, sample_max_value: '-Infinity' }],
    ['dpm-solver++', { lambda_min_clipped: 'NaN' }],
    ['dpm-solver++', { lambda_min_clipped: 'Infinity' }],
    ['euler-ancestral', { beta_end: 'Infinity' }],
  ] as const)('is refused by %s where a number is none that it can have: %j', (algorithm, raw) => {
    expect(problemsOf(raw, algorithm)).toEqual([
      expect.stringContaining(Object.keys(raw).at(-1)!) as string,
    ]);
  });

  it('must be an object', () => {
    expect(problemsOf('ddim', 'ddim')).toHaveLength(1);
    expect(problemsOf(null, 'ddim')).toHaveLength(1);
  });
});
