// Whether a generator's UNet takes the channels that its recipe gives it, told before any work. Its graph is checked against its config
// where it is loaded (workers/inference/graph-contract.ts).

import type { Generator } from '../../common/models/model-set.ts';
import type { RecipeRequest } from '../recipe.ts';

/** `given`: what the recipe joins along the channels, and how many of them that is. Adds a problem if it is not what the UNet's config says. */
export function checkUnetChannels(
  { name, unet }: Generator,
  given: Readonly<Record<string, number>>,
  { models, problems, spec }: RecipeRequest<{ readonly task: string }>,
): void {
  const taken = unet.config['in_channels'];
  const count = Object.values(given).reduce((sum, channels) => sum + channels, 0);
  if (typeof taken !== 'number' || taken === count) return;
  const parts = Object.entries(given).map(([what, channels]) => `${channels} of ${what}`);
  problems.push(
    `models: card.json in ${models.folder}, generators.${name}: its UNet takes ${taken} channels, and ${spec.task} gives it ${count} (${parts.join(', ')}); it is of another task`,
  );
}

/** Of the latents that the image model's VAE makes. */
export function latentChannels({ models }: Pick<RecipeRequest<unknown>, 'models'>): number {
  const channels = models.image.vaeEncoder.config['latent_channels'];
  return typeof channels === 'number' ? channels : 4;
}
