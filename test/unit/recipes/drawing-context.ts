// Formulas in place of the models that draw frames of 32x16, for the bodies of recipes alone.

import { floatTensor, frameTensor } from '../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../workers/tensor/tensor.ts';
import { analyticContext } from '../workers/pipelines/analytic-context.ts';
import type { AnalyticContext, AnalyticModel } from '../workers/pipelines/analytic-context.ts';

/** Of one frame's latents. */
export const VALUES = 4 * 2 * 4;

/** Noise of half the sample, plus a hundredth of the text's first code. */
const unet: AnalyticModel = {
  run: (feeds) => {
    const { shape, data } = feeds['sample'] as FloatTensor;
    const text = feeds['encoder_hidden_states'] as FloatTensor;
    const values = data.map((x, i) => x / 2 + text.data[77 * Math.floor(i / VALUES)]! / 1e4);
    return { out_sample: floatTensor(shape, values) };
  },
};
const textEncoder: AnalyticModel = {
  run: ({ input_ids }) => ({
    last_hidden_state: floatTensor(
      [1, 77, 1],
      Float32Array.from(input_ids!.data as BigInt64Array, Number),
    ),
  }),
};
/** The mean latent of a frame as its grey. */
const decoder: AnalyticModel = {
  run: ({ latent_sample }) => {
    const { shape, data } = latent_sample as FloatTensor;
    const sample = floatTensor([shape[0]!, 3, 16, 32]);
    for (let frame = 0; frame < shape[0]!; frame += 1) {
      const values = data.subarray(frame * VALUES, (frame + 1) * VALUES);
      const mean = values.reduce((sum, value) => sum + value, 0) / VALUES;
      sample.data.fill(mean, frame * 3 * 512, (frame + 1) * 3 * 512);
    }
    return { sample };
  },
};

export const drawingModels = { unet, 'text-encoder': textEncoder, 'vae-decoder': decoder };

/** `unetFacts`: of the UNet's graph. */
export function drawingContext(unetFacts: Pick<AnalyticModel, 'inputs'> = {}): AnalyticContext {
  return analyticContext({
    models: { ...drawingModels, unet: { ...unet, ...unetFacts } },
    configs: { scheduler: { clip_sample: false }, unet: { block_out_channels: [8, 8] } },
  });
}

/** Pictures of 32x16: frame i has level i everywhere. */
export function controlOf(frames: readonly number[]): FrameTensor {
  const control = frameTensor([frames.length, 16, 32, 3]);
  frames.forEach((frame, i) => control.data.fill(frame, i * 1536, (i + 1) * 1536));
  return control;
}
