// The model parts of a generator in a job and in its generate tasks. What a generator shares with the image model is named once.

import type { Generator, ImageModel, ModelPart } from '../../common/models/model-set.ts';
import type { BridgeModels, PartRef } from './job-base.ts';

/** A generator's own parts, as far as they are not the image model's. */
export interface DrawingModels {
  readonly generatorTokenizer?: PartRef;
  readonly generatorTextEncoder?: PartRef;
  readonly generatorScheduler?: PartRef;
}

export function partRef({ name, digest }: ModelPart): PartRef {
  return { name, digest };
}

export function generatorRefs(
  generator: Generator,
  image: ImageModel,
): DrawingModels & { readonly unet: PartRef } {
  const own = (part: ModelPart, shared: ModelPart): PartRef | undefined =>
    part.digest === shared.digest ? undefined : partRef(part);
  const tokenizer = own(generator.tokenizer, image.tokenizer);
  const textEncoder = own(generator.textEncoder, image.textEncoder);
  const scheduler = own(generator.scheduler, image.scheduler);
  return {
    unet: partRef(generator.unet),
    ...(tokenizer && { generatorTokenizer: tokenizer }),
    ...(textEncoder && { generatorTextEncoder: textEncoder }),
    ...(scheduler && { generatorScheduler: scheduler }),
  };
}

/** The roles of a generate task. Frames are decoded by the image model's VAE, as all latents are. */
export function drawingRoles(models: BridgeModels & DrawingModels, unet: PartRef) {
  return {
    tokenizer: models.generatorTokenizer ?? models.tokenizer,
    'text-encoder': models.generatorTextEncoder ?? models.textEncoder,
    unet,
    'vae-decoder': models.vaeDecoder,
    scheduler: models.generatorScheduler ?? models.scheduler,
  };
}
