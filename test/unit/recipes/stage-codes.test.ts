import { describe, expect, it } from 'vitest';

import type { GenerateParams, InvertImageParams } from '../../../common/stages.ts';
import { findBody, STAGE_CODES } from '../../../recipes/stage-codes.ts';
import type { StageCode } from '../../../workers/inference/ports.ts';

const kindsOf = <P>({ graphs }: StageCode<P>, params: P): Record<string, string> => {
  const entries = Object.entries(graphs?.(params) ?? {});
  return Object.fromEntries(entries.map(([role, { name }]) => [role, name]));
};

const inversion = { mode: 'ddim', steps: 1, negativePrompt: '' } as const;

describe('the graphs of a stage', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    [
      'generate',
      kindsOf(STAGE_CODES.generate, { task: 'controlnet' }),
      { unet: 'controlnet-unet', 'text-encoder': 'text-encoder', 'vae-decoder': 'vae-decoder' },
    ],
    [
      'encode',
      kindsOf(STAGE_CODES.encode, { posterior: 'mode' }),
      { 'vae-encoder': 'vae-encoder' },
    ],
    ['decode', kindsOf(STAGE_CODES.decode, {}), { 'vae-decoder': 'vae-decoder' }],
    [
      'invert-video',
      kindsOf(STAGE_CODES['invert-video'], inversion),
      { unet: 'clip-unet', 'text-encoder': 'text-encoder' },
    ],
    ['mix', kindsOf(STAGE_CODES.mix, { mixingRatio: 0.5 }), {}],
  ])('of %s are of the right kinds', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  it.each<[InvertImageParams['normScope'], string]>([
    ['frame', 'image-unet'],
    ['window', 'inflated-unet'],
  ])('depend on the norm scope: %s takes %s', (normScope, unet) => {
    expect(kindsOf(STAGE_CODES['invert-image'], { ...inversion, normScope })).toMatchObject({
      unet,
    });
  });
});

describe('frames of a task without code of its own', () => {
  it('are a defect of the plan, named', () => {
    const params: GenerateParams = { task: 'frames' };
    expect(findBody('frames')).toBeUndefined();
    expect(() => STAGE_CODES.generate.graphs?.(params)).toThrow(/no code here .* task frames/);
  });
});
