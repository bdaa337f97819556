// Samplers and inverters by the names that specs and model cards use.

import { BivdiffError } from '../errors.ts';
import type { InversionMode, SamplerName } from '../stages.ts';
import { BivdiffInverter } from './inverters/bivdiff-inverse.ts';
import { DdimInverter } from './inverters/ddim-inverse.ts';
import { DdimSampler } from './samplers/ddim.ts';
import { DpmSolverMultistepSampler } from './samplers/dpm-solver-multistep.ts';
import { EulerAncestralSampler } from './samplers/euler-ancestral.ts';
import { PndmSampler } from './samplers/pndm.ts';
import type { Inverter, Sampler } from './scheduler.ts';

export interface SamplerOptions {
  readonly steps: number;
  /** DDIM's share of fresh noise, 0..1. @default 0 */
  readonly eta?: number;
}

/**
 * `config` is the content of a scheduler_config.json, of whichever class.
 * @throws invalid-argument — the config does not fit the sampler, or the options do not fit the config
 */
export function createSampler(
  name: SamplerName,
  config: unknown,
  options: SamplerOptions,
): Sampler {
  if (name !== 'ddim') requireNoEta(name, options);
  switch (name) {
    case 'ddim':
      return new DdimSampler(config, options);
    case 'pndm':
      return new PndmSampler(config, options);
    case 'euler-ancestral':
      return new EulerAncestralSampler(config, options);
    case 'dpm-solver++':
      return new DpmSolverMultistepSampler(config, options);
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

function requireNoEta(name: SamplerName, { eta = 0 }: SamplerOptions): void {
  if (eta === 0) return;
  throw new BivdiffError('invalid-argument', `eta ${eta} has no meaning for sampler ${name}`, {
    hint: 'Leave eta out, or choose the sampler ddim.',
    details: { sampler: name, eta },
  });
}
