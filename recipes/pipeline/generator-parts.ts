// The model parts of a generator in a job and in its generate tasks. What a generator shares with the image model is named once.

import type { Generator, ImageModel, ModelPart } from '../../common/models/model-set.ts';
import type { BridgeModels, PartRef } from './job-base.ts';

/** A generator's own parts, as far as they are not the image model's. */
export interface DrawingModels {
  readonly generatorTokenizer?: PartRef;
  readonly generatorTextEncoder?: PartRef;
  readonly generatorScheduler?: PartRef;
  readonly generatorVaeEncoder?: PartRef;
  readonly generatorVaeDecoder?: PartRef;
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
  const vaeEncoder = own(generator.vaeEncoder, image.vaeEncoder);
  const vaeDecoder = own(generator.vaeDecoder, image.vaeDecoder);
  return {
    unet: partRef(generator.unet),
    ...(tokenizer && { generatorTokenizer: tokenizer }),
    ...(textEncoder && { generatorTextEncoder: textEncoder }),
    ...(scheduler && { generatorScheduler: scheduler }),
    ...(vaeEncoder && { generatorVaeEncoder: vaeEncoder }),
    ...(vaeDecoder && { generatorVaeDecoder: vaeDecoder }),
  };
}

/** The roles of a generate task. */
export function drawingRoles(models: BridgeModels & DrawingModels, unet: PartRef) {
  return {
    tokenizer: models.generatorTokenizer ?? models.tokenizer,
    'text-encoder': models.generatorTextEncoder ?? models.textEncoder,
    unet,
    'vae-decoder': models.generatorVaeDecoder ?? models.vaeDecoder,
    scheduler: models.generatorScheduler ?? models.scheduler,
  };
}

/** Where a generate task sees pictures of the source too: the latents that it draws beside are of the same VAE. */
export function encodingRole(models: BridgeModels & DrawingModels) {
  return { 'vae-encoder': models.generatorVaeEncoder ?? models.vaeEncoder };
}
