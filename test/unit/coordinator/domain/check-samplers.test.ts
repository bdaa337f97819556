// Goal: for the scheduler configs of real models, every sampler and inversion either visits the timesteps that diffusers would, or is
// refused in one line before anything runs. The expected timesteps are worked out here from numpy's words in diffusers' set_timesteps.

import { describe, expect, it } from 'vitest';

import { createInverter, createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { samplerProblems } from '../../../../coordinator/domain/check-samplers.ts';
import { SAMPLERS } from '../../../../common/stages.ts';
import type { SamplerName } from '../../../../common/stages.ts';
import { FAMILIES } from './scheduler-families.ts';
import type { SchedulerFamily, Use } from './scheduler-families.ts';

const MODES = ['ddim', 'official'] as const;
const FILE = '/models/x/image/scheduler/scheduler_config.json';

const partOf = (config: SchedulerFamily['config'], configFile = FILE) => ({
  name: 'image/scheduler',
  config,
  configFile,
});

const cases = FAMILIES.flatMap((family) => [
  ...SAMPLERS.map((sampler) => ({ family, use: sampler, sampler, mode: undefined })),
  ...MODES.map((mode) => ({
    family,
    use: `inversion ${mode}` as Use,
    sampler: undefined,
    mode,
  })),
]);

describe.each(FAMILIES)('$name', (family) => {
  const own = cases.filter((entry) => entry.family === family);

  it.each(own)('with $use: the right timesteps, or one refusal', ({ use, sampler, mode }) => {
    const { config, steps, refused } = family;
    const scheduler = partOf(config);
    const problems = samplerProblems({ steps, scheduler, sampler, inversion: mode });
    const words = refused[use];
    if (words !== undefined) {
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(words);
      expect(problems[0]).toContain(FILE);
      expect(problems[0]).toMatch(/; (choose|use) /);
      return;
    }
    expect(problems).toEqual([]);
    const made =
      sampler === undefined
        ? createInverter(mode, config, { steps })
        : createSampler(sampler, config, { steps });
    expect(made.timesteps).toEqual(sampler === undefined ? inverted(family) : sampled(family, use));
  });
});

describe('known timesteps', () => {
  it.each<[SamplerName, string, readonly number[]]>([
    // The model cards of SDXL-Lightning and LCM name these.
    ['ddim', 'Lightning', [999, 749, 499, 249]],
    ['euler-ancestral', 'Lightning', [999, 749, 499, 249]],
    ['ddim', 'LCM', [751, 501, 251, 1]],
    ['pndm', 'LCM', [751, 501, 501, 251, 1]],
    ['euler-ancestral', 'Turbo', [999, 856, 713, 570, 428, 285, 142]],
    ['euler', 'Lightning', [999, 749, 499, 249]],
    ['lcm', 'LCM', [999, 759, 499, 259]],
    ['heun', 'Lightning', [999, 749, 749, 499, 499, 249, 249]],
  ])('of %s with %s', (sampler, name, timesteps) => {
    const { config, steps } = FAMILIES.find((family) => family.name.startsWith(name))!;
    expect(createSampler(sampler, config, { steps }).timesteps).toEqual(timesteps);
  });
});

describe('what is told', () => {
  const config = FAMILIES[0]!.config;
  const scheduler = partOf(config);

  it('is one line where all share a number of steps that is too large, with the nearest that fits', () => {
    const all = { steps: 1000, scheduler, sampler: 'ddim', inversion: 'official' } as const;
    const problems = samplerProblems(all);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /^steps: 1000 do not fit .*sampler ddim, inversion official, smoothing \(ddim\).* fits is 999$/,
    );
    expect(samplerProblems({ ...all, steps: 999 })).toEqual([]);
  });

  it('names a count for all of them, where they can take different ones', () => {
    const xl = { scheduler: partOf(FAMILIES[2]!.config), sampler: 'dpm-solver++' } as const;
    const problems = samplerProblems({ ...xl, steps: 1000 });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /\(sampler dpm-solver\+\+: .*; smoothing \(ddim\): .*\); the nearest count that fits is 998$/,
    );
    expect(samplerProblems({ ...xl, steps: 998 })).toEqual([]);
  });

  it('names a larger count where there are too few steps', () => {
    const unskipped = partOf({ ...config, skip_prk_steps: false });
    expect(samplerProblems({ steps: 2, scheduler: unskipped, sampler: 'pndm' })).toEqual([
      `steps: 2 do not fit ${FILE} (sampler pndm: with skip_prk_steps false it takes 4 steps or more); ` +
        'the nearest count that fits is 4',
    ]);
  });

  it('is one line where nobody can read the file, and no setting is blamed', () => {
    const broken = partOf({ ...config, beta_schedule: 'laplace' });
    const all = { steps: 50, scheduler: broken, sampler: 'pndm', inversion: 'ddim' } as const;
    expect(samplerProblems(all)).toEqual([
      `models: sampler pndm, inversion ddim, smoothing (ddim) cannot run with ${FILE}: ` +
        'beta_schedule: "laplace" is not one of linear, scaled_linear, squaredcos_cap_v2; ' +
        'use other models, or correct the file',
    ]);
  });

  it('names what else can: samplers, inversions', () => {
    const direct = partOf({ ...config, prediction_type: 'sample' });
    const all = { steps: 50, scheduler: direct, sampler: 'pndm', inversion: 'official' } as const;
    const problems = samplerProblems(all);
    expect(problems).toEqual([
      expect.stringMatching(
        /^scheduler: sampler pndm .*; choose ddim, euler, heun, dpm-solver\+\+, unipc, deis or lcm, which can/,
      ),
      expect.stringMatching(/^inversion\.mode: inversion official .*; choose ddim, which can/),
    ]);
  });

  it('is nothing of what the job does not use', () => {
    const velocity = partOf({ ...config, prediction_type: 'v_prediction' });
    expect(samplerProblems({ steps: 50, scheduler: velocity })).toEqual([]);
    expect(samplerProblems({ steps: 50, scheduler: velocity, inversion: 'official' })).toHaveLength(
      1,
    );
  });
});

describe("the video model's own schedule", () => {
  const scheduler = partOf(FAMILIES[0]!.config);
  const told = (name: string, changes: SchedulerFamily['config'] = {}) => {
    const { config } = FAMILIES.find((family) => family.name.startsWith(name))!;
    const video = {
      name: 'other',
      scheduler: partOf({ ...config, ...changes }, '/models/x/video'),
    };
    return samplerProblems({ steps: 50, scheduler, video });
  };

  it.each(['ZeroScope', 'ModelScope', 'SDXL, linspace'])('fits, if it is of %s', (name) => {
    expect(told(name)).toEqual([]);
  });

  it('is told nothing of, if it is the image model whose file is wrong', () => {
    const { config } = FAMILIES[0]!;
    const broken = partOf({ ...config, prediction_type: 'foo' });
    const video = { name: 'other', scheduler: partOf(config, '/models/x/video') };
    expect(samplerProblems({ steps: 50, scheduler: broken, video })).toEqual([
      expect.stringMatching(/^models: smoothing \(ddim\) cannot run .*prediction_type: "foo"/),
    ]);
  });

  it('is refused if it is of another kind of model, whatever its betas are', () => {
    // What the config lacks has DDIM's default, as the image model's has here.
    const plain = partOf({ num_train_timesteps: 1000 });
    const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', num_train_timesteps: 1000 };
    const video = { name: 'other', scheduler: partOf(flow, '/models/x/video') };
    expect(samplerProblems({ steps: 50, scheduler: plain, video })).toEqual([
      expect.stringMatching(
        /^videoModel: other cannot smooth: \/models\/x\/video: _class_name: "FlowMatch.*; choose another video model/,
      ),
    ]);
  });

  it('is refused with both files, what differs and what to do', () => {
    expect(told('ZeroScope', { beta_schedule: 'linear' })).toEqual([
      'videoModel: other was trained for other noise than the image model, whose latents it would smooth: ' +
        `/models/x/video has beta_schedule "linear"; ${FILE} has beta_schedule "scaled_linear"; ` +
        'choose a video model that was trained like the image model, or correct the file that is wrong',
    ]);
    expect(told('Stable Diffusion 2.1')).toEqual([
      expect.stringMatching(
        /\/video has prediction_type "v_prediction"; .* has prediction_type "epsilon"/,
      ),
    ]);
  });
});

/** Of a sampler: as its class's set_timesteps gives them. */
function sampled({ config, steps }: SchedulerFamily, use: Use): readonly number[] {
  const offset = config['steps_offset'] as number;
  if (use === 'lcm') return distilled(config, steps);
  const standard = use === 'ddim' || use === 'pndm' ? 'leading' : 'linspace';
  const spacing = config['timestep_spacing'] ?? standard;
  // np.arange(1000, 0, -1000 / n).round() - 1
  const trailing = Array.from({ length: steps }, (_, i) => round(1000 - (i * 1000) / steps) - 1);
  // (np.arange(n) * ratio)[::-1] + offset
  const leading = Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio(steps) + offset);
  if (use === 'dpm-solver++' || use === 'unipc' || use === 'deis') {
    // One more is counted, and the last is left out.
    const longer = Array.from({ length: steps }, (_, i) => steps - i);
    if (spacing === 'leading') return longer.map((k) => k * ratio(steps + 1) + offset);
    return spacing === 'linspace' ? longer.map((k) => round(k * (999 / steps))) : trailing;
  }
  // np.linspace(0, 999, n)[::-1], which multiplies a step that is rounded already.
  const even = Array.from({ length: steps }, (_, i) => (steps - 1 - i) * (999 / (steps - 1)));
  if (use === 'euler' || use === 'euler-ancestral' || use === 'heun') {
    const once =
      spacing === 'linspace' ? even.map(Math.fround) : spacing === 'leading' ? leading : trailing;
    // repeat_interleave(2), but for the first.
    return use === 'heun' ? once.flatMap((time) => [time, time]).slice(1) : once;
  }
  const whole =
    spacing === 'linspace' ? even.map(round) : spacing === 'leading' ? leading : trailing;
  if (use === 'ddim') return whole;
  if (config['skip_prk_steps'] === true) return [whole[0]!, whole[1]!, ...whole.slice(1)];
  return [...rungeKutta(whole.slice(0, 4), ratio(steps)), ...whole.slice(3)];
}

/** np.arange(1, original + 1) * k - 1, backwards, at floor(np.linspace(0, original, n, endpoint=False)). */
function distilled(config: SchedulerFamily['config'], steps: number): readonly number[] {
  const original = (config['original_inference_steps'] as number | undefined) ?? 50;
  const all = Array.from({ length: original }, (_, i) => (i + 1) * ratio(original) - 1).reverse();
  return Array.from({ length: steps }, (_, i) => all[Math.floor((i * original) / steps)]!);
}

/** Three steps of four calls: at a level, twice half-way to the next, and there; each inner level ends one step and begins another. */
function rungeKutta(levels: readonly number[], stride: number): readonly number[] {
  const half = Math.floor(stride / 2);
  return [0, 1, 2].flatMap((i) => {
    const [here, next] = [levels[i]!, levels[i + 1]!];
    return [here, next + half, next + half, next];
  });
}

/** Of an inversion: DDIM's, the other way round. */
function inverted(family: SchedulerFamily): readonly number[] {
  return sampled(family, 'ddim').toReversed();
}

function ratio(count: number): number {
  return Math.floor(1000 / count);
}

/** numpy's: halves to the even neighbour. */
function round(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
