// A model set whose files nobody has: for what only asks which models there are.

import { digestText } from '../../common/digest.ts';
import type { Generator, ModelPart, ModelSet } from '../../common/models/model-set.ts';

/** Its digest is the name's. */
export function madeUpPart(name: string): ModelPart {
  return { name, digest: digestText(name), config: {}, files: [], bytes: 0 };
}

const image = {
  tokenizer: madeUpPart('image/tokenizer'),
  textEncoder: madeUpPart('image/text-encoder'),
  unet: madeUpPart('image/unet'),
  unetInflated: madeUpPart('image/unet-inflated'),
  vaeEncoder: madeUpPart('image/vae-encoder'),
  vaeDecoder: madeUpPart('image/vae-decoder'),
  scheduler: madeUpPart('image/scheduler'),
};

/** A ControlNet for canny, unless `changes` say otherwise; it shares all but the UNet with the image model. */
export function madeUpGenerator(changes: Partial<Generator> = {}): Generator {
  const { tokenizer, textEncoder, scheduler, vaeEncoder, vaeDecoder } = image;
  return {
    ...{ name: 'canny', task: 'controlnet', unet: madeUpPart('image/unet+canny') },
    ...{ tokenizer, textEncoder, scheduler, vaeEncoder, vaeDecoder },
    conditions: [{ annotator: 'canny', low: 60, high: 150 }],
    ...changes,
  };
}

export function madeUpModels(...generators: readonly Generator[]): ModelSet {
  return {
    name: 'made up',
    folder: '/models/x',
    image,
    annotators: {},
    generators: Object.fromEntries(generators.map((generator) => [generator.name, generator])),
    videos: {
      short: {
        name: 'short',
        tokenizer: madeUpPart('video/short/tokenizer'),
        textEncoder: madeUpPart('video/short/text-encoder'),
        unet: madeUpPart('video/short/unet'),
        window: 8,
      },
    },
    defaultVideo: 'short',
    defaults: {
      ...{ guidanceScale: 7.5, videoGuidanceScale: 9, mixingRatio: 0.5, steps: 50 },
      ...{ width: 64, height: 32, negativePrompt: 'blurry', sampler: 'ddim', inversion: 'ddim' },
    },
    sizeMultiple: 8,
  };
}
