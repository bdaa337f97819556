// Which models' configs are run at all: those that diffusers' schedulers save (models/parity/schedulers/classes.py), and single keys.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { createInverter, createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { kindProblems } from '../../../../common/diffusion/model-kind.ts';
import { nearestSampler } from '../../../../common/diffusion/nearest-sampler.ts';
import { parsePythonJson } from '../../../../common/models/python-json.ts';
import { INVERSION_MODES, SAMPLERS } from '../../../../common/stages.ts';

const saved = JSON.parse(
  readFileSync(
    new URL('../../../../models/parity/schedulers/goldens/classes.json', import.meta.url),
    'utf8',
  ),
) as Readonly<Record<string, string>>;

/** Names of what would run with a config, and the problems of what would not. */
function verdictOn(config: unknown) {
  const makers = [
    ...SAMPLERS.map((name) => () => createSampler(name, config, { steps: 20 })),
    ...INVERSION_MODES.map((mode) => () => createInverter(mode, config, { steps: 20 })),
  ];
  let running = 0;
  const problems = makers.map((make): readonly string[] => {
    try {
      make();
      running += 1;
      return [];
    } catch (error) {
      expect(error).toBeInstanceOf(BivdiffError);
      return (error as BivdiffError).details['problems'] as string[];
    }
  });
  return { running, all: makers.length, problems };
}

describe("the config of diffusers'", () => {
  const ofBetas = [
    ...['DDIMInverse', 'DDIMParallel', 'DDIM', 'DDPMParallel', 'DDPM', 'DEISMultistep'],
    ...['DPMSolverMultistepInverse', 'DPMSolverMultistep', 'DPMSolverSinglestep'],
    ...['EulerAncestralDiscrete', 'EulerDiscrete', 'HeunDiscrete', 'KDPM2AncestralDiscrete'],
    ...['KDPM2Discrete', 'LCM', 'PNDM', 'RePaint', 'SASolver', 'TCD', 'UniPCMultistep'],
  ].map((name) => `${name}Scheduler`);
  const others = Object.keys(saved).filter((name) => !ofBetas.includes(name));

  it.each(ofBetas)(
    '%s serves DDIM, whose model is of the same kind, and the sampler that stands nearest',
    (name) => {
      const config = parsePythonJson(saved[name]!);
      expect(kindProblems(config)).toEqual([]);
      const nearest = nearestSampler(config);
      expect(nearest?.className).toBe(name);
      expect(() => createSampler(nearest!.sampler, config, { steps: 20 })).not.toThrow();
      expect(() => createSampler('ddim', config, { steps: 20 })).not.toThrow();
    },
  );

  it.each(others)('%s, of another kind of model, serves none, and the key is named', (name) => {
    expect(nearestSampler(parsePythonJson(saved[name]!))).toBeUndefined();
    const { running, problems } = verdictOn(parsePythonJson(saved[name]!));
    expect(running).toBe(0);
    for (const some of problems) {
      expect(some).toContainEqual(expect.stringContaining(`_class_name: "${name}" is of another`));
    }
  });

  it('others are many', () => {
    expect(others).toEqual(
      expect.arrayContaining([
        ...['FlowMatchEulerDiscreteScheduler', 'EDMEulerScheduler', 'CogVideoXDDIMScheduler'],
        ...['EDMDPMSolverMultistepScheduler', 'SCMScheduler', 'LTXEulerAncestralRFScheduler'],
      ]),
    );
  });
});

describe('the sampler of a class', () => {
  it.each([
    ['DDIMScheduler', 'ddim'],
    ['FlaxPNDMScheduler', 'pndm'],
    ['EulerDiscreteScheduler', 'euler'],
    ['EulerAncestralDiscreteScheduler', 'euler-ancestral'],
    ['HeunDiscreteScheduler', 'heun'],
    ['DPMSolverMultistepScheduler', 'dpm-solver++'],
    ['UniPCMultistepScheduler', 'unipc'],
    ['DEISMultistepScheduler', 'deis'],
    ['LCMScheduler', 'lcm'],
  ])('%s is %s itself', (_class_name, sampler) => {
    const nearest = nearestSampler({ _class_name });
    expect(nearest?.sampler).toBe(sampler);
    expect(nearest?.difference).toBeUndefined();
  });

  it.each([
    ['KDPM2DiscreteScheduler', 'heun'],
    ['LMSDiscreteScheduler', 'deis'],
    ['DPMSolverSinglestepScheduler', 'dpm-solver++'],
    ['TCDScheduler', 'lcm'],
    ['DDPMScheduler', 'euler-ancestral'],
  ])('%s is another, and %s stands nearest', (_class_name, sampler) => {
    const nearest = nearestSampler({ _class_name });
    expect(nearest?.sampler).toBe(sampler);
    expect(nearest?.difference).toMatch(/^\w/);
  });

  it.each([{}, null, 'DDIMScheduler', { _class_name: 3 }])('is none of %j', (config) => {
    expect(nearestSampler(config)).toBeUndefined();
  });
});

describe('a config without a class', () => {
  it.each([
    { use_flow_sigmas: true },
    { prediction_type: 'flow_prediction' },
    { prediction_type: 'trigflow' },
    { shift: 3 },
    { use_dynamic_shifting: true },
    { sigma_data: 0.5 },
    { sigma_schedule: 'karras' },
    { timestep_type: 'continuous' },
    { snr_shift_scale: 3 },
    { variance_type: 'learned_range' },
    { predict_epsilon: false },
    { beta_schedule: 'sigmoid' },
  ])('is refused for a key that only other models have: %j', (config) => {
    const [key = ''] = Object.keys(config);
    const { running, problems } = verdictOn(config);
    expect(running).toBe(0);
    for (const some of problems) expect(some).toEqual([expect.stringContaining(`${key}: `)]);
  });

  it.each([
    { use_flow_sigmas: false, use_dynamic_shifting: false, flow_shift: 1, snr_shift_scale: 1 },
    { timestep_type: 'discrete', sigma_min: null, sigma_max: null, variance_type: 'fixed_small' },
    { _class_name: 'FlaxDDIMScheduler', predict_epsilon: true, time_shift_type: 'exponential' },
    { _class_name: 'LMSDiscreteScheduler', future_key: 'x' },
  ])('is none of another kind with %j', (config) => {
    const { running, all } = verdictOn(config);
    expect(running).toBe(all);
  });
});
