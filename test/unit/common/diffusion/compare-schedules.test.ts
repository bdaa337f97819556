import { describe, expect, it } from 'vitest';

import { scheduleDifferences } from '../../../../common/diffusion/compare-schedules.ts';

const SD = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };
const keysOf = (first: object, second: object) =>
  scheduleDifferences(first, second).map(({ key }) => key);

/** What the keys of SD stand for, written out, as some trainings keep it. */
function betasOfSd(): number[] {
  const [first, last] = [Math.sqrt(SD.beta_start), Math.sqrt(SD.beta_end)];
  return Array.from({ length: 1000 }, (_, i) =>
    Number(((first + ((last - first) * i) / 999) ** 2).toPrecision(8)),
  );
}

describe('two schedules', () => {
  it.each([
    ['the same keys', SD],
    ['other ways to be sampled', { ...SD, timestep_spacing: 'trailing', steps_offset: 1 }],
    ['other clipping', { ...SD, clip_sample: true, set_alpha_to_one: false, thresholding: true }],
    ['spacings that nobody knows', { ...SD, timestep_spacing: 'odd', solver_order: 9 }],
    ['the defaults spelled out', { ...SD, prediction_type: 'epsilon', num_train_timesteps: 1000 }],
    ['the same betas in another form', { trained_betas: betasOfSd(), beta_schedule: 'linear' }],
    ['a name for a schedule that betas replace', { ...SD, trained_betas: betasOfSd() }],
  ])('agree with %s', (_, other) => {
    expect(scheduleDifferences(SD, other)).toEqual([]);
  });

  it.each([
    ['other betas', { ...SD, beta_end: 0.02 }, ['beta_end']],
    ['another form of them', { ...SD, beta_schedule: 'linear' }, ['beta_schedule']],
    ['zero terminal SNR', { ...SD, rescale_betas_zero_snr: true }, ['rescale_betas_zero_snr']],
    ['another prediction', { ...SD, prediction_type: 'v_prediction' }, ['prediction_type']],
    ['fewer training steps', { ...SD, num_train_timesteps: 500 }, ['num_train_timesteps']],
    ['a schedule that is not known', { ...SD, beta_schedule: 'laplace' }, ['beta_schedule']],
    [
      'two differences',
      { ...SD, prediction_type: 'sample', beta_start: 0.1, beta_end: 0.2 },
      ['prediction_type', 'beta_start', 'beta_end'],
    ],
    ['nothing of it', {}, ['beta_start', 'beta_end', 'beta_schedule']],
  ])('differ with %s', (_, other, keys) => {
    expect(keysOf(SD, other)).toEqual(keys);
    expect(keysOf(other, SD)).toEqual(keys);
  });

  it('differ by the values that stand there, or the defaults', () => {
    expect(scheduleDifferences({}, { ...SD, beta_end: 0.02, beta_start: 0.0001 })).toEqual([
      { key: 'beta_schedule', first: 'linear', second: 'scaled_linear' },
    ]);
  });
});
