// The compose stage: known pixels of the source are put back over smoothed frames, which encoding and smoothing have changed a little.

import type { ComposeParams } from '../../../common/stages.ts';
import type { StageBody } from '../../inference/ports.ts';
import { frameTensor } from '../../tensor/tensor.ts';
import { hiddenByMask, hiddenByRectangles } from '../hidden-pixels.ts';
import { framesInput } from '../stage-inputs.ts';
import { featheredShare } from './feather.ts';

/** `frames`, `[frames, height, width, 3]`: farther than the feather from what is hidden the source's very bytes. */
export const compose: StageBody<ComposeParams> = async (input, context) => {
  const { params, frames } = input;
  const smoothed = framesInput(input, 'smoothed');
  const source = framesInput(input, 'source');
  const hidden =
    params.hidden === undefined
      ? hiddenByMask(framesInput(input, 'mask'), frames)
      : hiddenByRectangles(params.hidden, source.shape);
  const [count, height, width] = hidden.shape;
  const composed = frameTensor(source.shape, source.data.slice());
  for (let frame = 0; frame < count; frame += 1) {
    context.throwIfCancelled();
    const from = frame * height * width;
    const own = hidden.data.subarray(from, from + height * width);
    const share = featheredShare(own, { height, width, feather: params.feather });
    for (let i = 0; i < 3 * share.length; i += 1) {
      const drawn = share[Math.floor(i / 3)]!;
      if (drawn === 0) continue;
      const [known, anew] = [source.data[3 * from + i]!, smoothed.data[3 * from + i]!];
      composed.data[3 * from + i] = Math.round(known + drawn * (anew - known));
    }
    context.progress(frame + 1, count);
  }
  return Promise.resolve({ frames: composed });
};
