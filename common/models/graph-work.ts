// How much arithmetic one pass of a graph is, from the config of its part, as diffusers writes them: what grows with the pixels, and
// what grows with their square (self-attention). An estimate for forecasts: bias, norms and activations are left out. Pure.

import type { JsonObject, JsonValue } from '../task.ts';

/** Operations (a product and its sum are two) of one frame, by its latents' pixels p: `linear * p + quadratic * p * p`. */
export interface GraphWork {
  readonly linear: number;
  readonly quadratic: number;
}

/** What one softmax term takes beside the products around it, in operations; found by timing the shipped graphs at four sizes. */
const SOFTMAX = 30;
const TOKENS = 77;
const LATENT_CHANNELS = 4;
/** Products for each pair of channels, of each part. */
const KERNEL = 9;
const TEMPORAL_CONVOLUTIONS = 12;
const SELF_ATTENTION = 4;
const CROSS_ATTENTION = 2;
const FEED_FORWARD = 12;
const PROJECTIONS = 2;
/** A transformer over time: two attentions, as AnimateDiff and ZeroScope have it. */
const TEMPORAL_TRANSFORMER = 2 * SELF_ATTENTION + FEED_FORWARD + PROJECTIONS;
/** Products for each pair of channels that temporal layers have, by the block that they follow. */
const TEMPORAL = {
  none: { resnet: 0, transformer: 0 },
  clip: { resnet: TEMPORAL_CONVOLUTIONS, transformer: TEMPORAL_TRANSFORMER },
  vidrd: { resnet: TEMPORAL_CONVOLUTIONS, transformer: SELF_ATTENTION },
  motion: { resnet: TEMPORAL_TRANSFORMER, transformer: 0 },
} as const;
/** Of Stable Diffusion's models, where a config does not say. */
const UNET_WIDTHS = [320, 640, 1280, 1280];
const VAE_WIDTHS = [128, 256, 512, 512];
const HEADS = 8;

export function operationsOf({ linear, quadratic }: GraphWork, pixels: number): number {
  return linear * pixels + quadratic * pixels * pixels;
}

/** Of a UNet of images or of clips, of one frame and one branch of guidance. */
export function unetWork(config: JsonObject): GraphWork {
  const widths = numbersOf(config['block_out_channels']) ?? UNET_WIDTHS;
  const types = Array.isArray(config['down_block_types']) ? config['down_block_types'] : [];
  const temporal = TEMPORAL[temporalKind(config)];
  const attends = widths.map((_, level) =>
    types.length === 0 ? level < widths.length - 1 : String(types[level]).includes('Attn'),
  );
  const sum = new WorkSum(temporal.resnet);
  const transform = (level: number): void => {
    const width = widths[level]!;
    const spatial = SELF_ATTENTION + CROSS_ATTENTION;
    const each = spatial + FEED_FORWARD + PROJECTIONS + temporal.transformer;
    sum.weights(level, each * width * width);
    sum.attention(level, width, headsAt(config, level, width));
  };
  const last = widths.length - 1;
  let channels = widths[0]!;
  const skips = [channels];
  sum.weights(0, 2 * KERNEL * LATENT_CHANNELS * channels);
  for (const [level, width] of widths.entries()) {
    for (let layer = 0; layer < layersAt(config, level); layer += 1) {
      sum.resnet(level, channels, width);
      channels = width;
      if (attends[level] === true) transform(level);
      skips.push(channels);
    }
    if (level === last) continue;
    sum.weights(level + 1, KERNEL * channels * channels);
    skips.push(channels);
  }
  sum.resnet(last, channels, channels);
  sum.resnet(last, channels, channels);
  transform(last);
  for (let level = last; level >= 0; level -= 1) {
    for (let layer = 0; layer <= layersAt(config, level); layer += 1) {
      sum.resnet(level, channels + (skips.pop() ?? 0), widths[level]!);
      channels = widths[level]!;
      if (attends[level] === true) transform(level);
    }
    if (level > 0) sum.weights(level - 1, KERNEL * channels * channels);
  }
  return sum;
}

/** Of either half of a VAE, of one frame. */
export function vaeWork(config: JsonObject, half: 'encoder' | 'decoder'): GraphWork {
  const widths = numbersOf(config['block_out_channels']) ?? VAE_WIDTHS;
  const sum = new WorkSum();
  const last = widths.length - 1;
  const layers = layersAt(config, 0) + (half === 'decoder' ? 1 : 0);
  // Levels count from the latents up.
  const levels = [...widths.keys()];
  const path = half === 'decoder' ? levels.toReversed() : levels;
  let channels = widths[path[0]!]!;
  for (const [step, index] of path.entries()) {
    const level = index - last;
    for (let layer = 0; layer < layers; layer += 1) {
      sum.resnet(level, channels, widths[index]!);
      channels = widths[index]!;
    }
    if (step < last) sum.weights(path[step + 1]! - last, KERNEL * channels * channels);
  }
  const middle = widths[last]!;
  sum.resnet(0, middle, middle);
  sum.resnet(0, middle, middle);
  sum.weights(0, SELF_ATTENTION * middle * middle);
  sum.attention(0, middle, 1);
  return sum;
}

/** Adds up what blocks take. A level has a quarter of the pixels of the one before; 0 has those of the latents. */
class WorkSum implements GraphWork {
  linear = 0;
  quadratic = 0;
  readonly #more: number;

  /** `more`: products for each pair of channels that a ResNet block has beside its own. */
  constructor(more = 0) {
    this.#more = more;
  }

  /** Products with weights, for each pixel of the level. */
  weights(level: number, count: number): void {
    this.linear += (2 * count) / 4 ** level;
  }

  resnet(level: number, from: number, to: number): void {
    const shortcut = from === to ? 0 : from * to;
    this.weights(level, KERNEL * (from + to) * to + shortcut + this.#more * to * to);
  }

  /** Among the pixels and to the text. */
  attention(level: number, width: number, heads: number): void {
    const each = 4 * width + SOFTMAX * heads;
    this.quadratic += each / 16 ** level;
    this.linear += (TOKENS * each) / 4 ** level;
  }
}

/**
 * Of which kind a UNet's temporal layers are: ZeroScope's, VidRD's, a motion adapter's, or none.
 * VidRD's class has the name of ZeroScope's.
 */
export function temporalKind(config: JsonObject): keyof typeof TEMPORAL {
  const types = Array.isArray(config['down_block_types']) ? config['down_block_types'] : [];
  if (config['motion_layers_per_block'] !== undefined) return 'motion';
  if (!types.some((type) => typeof type === 'string' && type.endsWith('3D'))) return 'none';
  return config['add_temp_conv'] === true ? 'vidrd' : 'clip';
}

/** diffusers calls the number of heads `attention_head_dim` in UNets of images and VidRD's, and means it in ZeroScope's. */
function headsAt(config: JsonObject, level: number, width: number): number {
  const isClip = temporalKind(config) === 'clip';
  const given = config['attention_head_dim'];
  const value = Number(Array.isArray(given) ? given[level] : (given ?? HEADS));
  if (!(value > 0)) return HEADS;
  return isClip ? width / value : value;
}

function layersAt(config: JsonObject, level: number): number {
  const given = config['layers_per_block'] ?? config['motion_layers_per_block'];
  const value = Number(Array.isArray(given) ? given[level] : given);
  return value > 0 ? value : 2;
}

function numbersOf(value: JsonValue | undefined): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const numbers = value.map(Number);
  return numbers.every((number) => number > 0) ? numbers : undefined;
}
