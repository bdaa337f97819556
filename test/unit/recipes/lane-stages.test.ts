import { describe, expect, it } from 'vitest';

import type { GenerateParams, InvertImageParams } from '../../../common/stages.ts';
import { findBody, LANE_STAGES } from '../../../recipes/lane-stages.ts';
import type { LaneStage } from '../../../workers/inference/ports.ts';

const kindsOf = <P>({ graphs }: LaneStage<P>, params: P): Record<string, string> => {
  const entries = Object.entries(graphs?.(params) ?? {});
  return Object.fromEntries(entries.map(([role, { name }]) => [role, name]));
};

const inversion = { mode: 'ddim', steps: 1, negativePrompt: '' } as const;

describe('the graphs of a stage', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    [
      'generate',
      kindsOf(LANE_STAGES.generate, { task: 'controlnet' }),
      {
        ...{ unet: 'controlnet-unet', 'text-encoder': 'text-encoder' },
        ...{ 'vae-decoder': 'vae-decoder', 'vae-encoder': 'vae-encoder' },
      },
    ],
    [
      'encode',
      kindsOf(LANE_STAGES.encode, { posterior: 'mode' }),
      { 'vae-encoder': 'vae-encoder' },
    ],
    ['decode', kindsOf(LANE_STAGES.decode, {}), { 'vae-decoder': 'vae-decoder' }],
    [
      'invert-video',
      kindsOf(LANE_STAGES['invert-video'], inversion),
      { unet: 'clip-unet', 'text-encoder': 'text-encoder' },
    ],
    ['mix', kindsOf(LANE_STAGES.mix, { mixingRatio: 0.5 }), {}],
  ])('of %s are of the right kinds', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it.each<[InvertImageParams['normScope'], string]>([
    ['frame', 'image-unet'],
    ['window', 'inflated-unet'],
  ])('depend on the norm scope: %s takes %s', (normScope, unet) => {
    expect(kindsOf(LANE_STAGES['invert-image'], { ...inversion, normScope })).toMatchObject({
      unet,
    });
  });
});

describe('frames of a task without code of its own', () => {
  it('are a defect of the plan, named', () => {
    const params: GenerateParams = { task: 'frames' };
    expect(findBody('frames')).toBeUndefined();
    expect(() => LANE_STAGES.generate.graphs?.(params)).toThrow(/no code here .* task frames/);
  });
});
