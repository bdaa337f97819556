// Samplers and inverters by the names that specs and model cards use.

import type { InversionMode, SamplerName } from '../stages.ts';
import { BivdiffInverter } from './inverters/bivdiff-inverse.ts';
import { DdimInverter } from './inverters/ddim-inverse.ts';
import { DdimSampler } from './samplers/ddim.ts';
import { DeisSampler } from './samplers/deis.ts';
import { DpmSolverMultistepSampler } from './samplers/dpm-solver-multistep.ts';
import { EulerAncestralSampler } from './samplers/euler-ancestral.ts';
import { EulerSampler } from './samplers/euler.ts';
import { HeunSampler } from './samplers/heun.ts';
import { LcmSampler } from './samplers/lcm.ts';
import { PndmSampler } from './samplers/pndm.ts';
import { UniPcSampler } from './samplers/unipc.ts';
import type { Inverter, Sampler, SamplerOptions } from './scheduler.ts';
import { requireOwnTimesteps } from './own-timesteps.ts';

/**
 * `config` is the content of a scheduler_config.json, of whichever class.
 * @throws invalid-argument — the config does not fit the sampler, or the steps or timesteps do not fit the config
 */
export function createSampler(
  name: SamplerName,
  config: unknown,
  options: SamplerOptions,
): Sampler {
  if (options.timesteps !== undefined) requireOwnTimesteps(name, config, options.timesteps);
  switch (name) {
    case 'ddim':
      return new DdimSampler(config, options);
    case 'pndm':
      return new PndmSampler(config, options);
    case 'euler-ancestral':
      return new EulerAncestralSampler(config, options);
    case 'dpm-solver++':
      return new DpmSolverMultistepSampler(config, options);
    case 'euler':
      return new EulerSampler(config, options);
    case 'heun':
      return new HeunSampler(config, options);
    case 'unipc':
      return new UniPcSampler(config, options);
    case 'deis':
      return new DeisSampler(config, options);
    case 'lcm':
      return new LcmSampler(config, options);
  }
}

/**
 * `config` is the content of a scheduler_config.json, of whichever class.
 * @throws invalid-argument — the config does not fit the inversion, or the steps do not fit the config
 */
export function createInverter(
  mode: InversionMode,
  config: unknown,
  options: { readonly steps: number },
): Inverter {
  switch (mode) {
    case 'ddim':
      return new DdimInverter(config, options);
    case 'official':
      return new BivdiffInverter(config, options);
  }
}
