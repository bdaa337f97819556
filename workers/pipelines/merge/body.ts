// The merge stage: of frames that several windows made, one each.

import type { MergeParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { latentCopiesInput } from '../stage-inputs.ts';
import { fadingRuns, mergeCopies } from '../window-copies.ts';

/** `latents`: `[frames, channels, h, w]`. */
export const merge: StageBody<MergeParams> = async (input) => {
  const { params, frames } = input;
  const latents = latentCopiesInput(input, 'latents');
  const runs = fadingRuns(params.copies, params.length);
  return Promise.resolve({ latents: mergeCopies(latents, runs, frames.length) });
};
