// The mix stage: the bridge of BIVDiff. Once, after both inversions have run to their ends, the image model's noise and
// the video model's are averaged (official code, mixed_inversion.py:896).

import type { MixParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { latentsInput } from '../stage-inputs.ts';
import { mixNoise } from './mix-noise.ts';

/** `noise`: of the inputs' shape. */
export const mix: StageBody<MixParams> = async (input) => {
  const image = latentsInput(input, 'image');
  const video = latentsInput(input, 'video');
  return Promise.resolve({ noise: mixNoise(image, video, input.params.mixingRatio) });
};
