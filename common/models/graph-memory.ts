// How much memory a graph takes on the processor: while it loads, loaded, and while it runs, from its weights and the config of its part, as diffusers
// writes them. An estimate; `npm run bench -- --only graph-memory` puts it beside what ONNX Runtime takes. Pure.

import type { JsonObject, JsonValue } from '../task.ts';
import { temporalKind } from './graph-work.ts';

/** Bytes. */
export interface GraphMemory {
  /** Loaded, before its first run. */
  readonly loaded: number;
  /** The most while it loads. */
  readonly loading: number;
  /** What a run takes besides; ONNX Runtime keeps it for the next one. */
  readonly run: number;
}

/** What a graph is, as far as its memory goes: the roles of a task's models. */
export type GraphRole = 'unet' | 'vae-encoder' | 'vae-decoder' | 'text-encoder' | 'annotator';

/** What goes through a graph at once. */
export interface GraphLoad {
  /** Frames, times the branches of guidance. */
  readonly samples: number;
  /** Of one sample: pixels of its latents, of all frames of a clip; of a text encoder or an annotator nothing is known. */
  readonly pixels: number;
  /** ControlNets in the graph, whose pictures go in, too. @default 0 */
  readonly controlnets?: number;
}

export interface GraphFacts {
  readonly role: GraphRole;
  readonly config: JsonObject;
  /** As loaded: `readOnnxFile`. */
  readonly weightBytes: number;
}

/** Of what a lane may fill, what the weights of a graph and of the same without its controls may take where the first alone would do. */
export const FREE_WEIGHTS_SHARE = 0.5;

const MIB = 2 ** 20;
const FLOAT_BYTES = 4;
/** Of nodes and shapes, whatever the weights. */
const SESSION_BYTES = 25 * MIB;
/** What is left of the heap between weights. */
const WEIGHTS_LOADED = 1.03;
/** Weights in half precision beside those that are made of them, of which some are packed anew. */
const WEIGHTS_LOADING = 1.75;
/** Floats for each pixel of the latents and channel of the first block. The widest layers, a transformer's, and what the way up still needs. */
const UNET_FLOATS = 45;
/** Of a UNet of clips like ZeroScope's, the same; and for each channel of the layer over time that comes before its blocks. */
const CLIP_FLOATS = { block: 39, opening: 29 } as const;
/** Heads of that layer, each as wide as those of the blocks. */
const OPENING_HEADS = 8;
const HEAD_WIDTH = 64;
/** Floats for each pixel of the latents that the first ControlNet takes, and another one: their pictures on the way down to the latents. */
const CONTROL_FLOATS = { first: 4000, other: 1800 } as const;
/** Floats for each pixel of the picture: of whatever VAE, and for each channel of the first block. */
const ENCODER_FLOATS = { pixel: 65, channel: 2.9 } as const;
/** The same, for each channel of this block and of the one before it. */
const DECODER_FLOATS = { pixel: 125, channel: 2.6 } as const;
const REDUCTION = 8;
/** Of Stable Diffusion's models, where a config does not say. */
const UNET_WIDTH = 320;
const VAE_WIDTHS: readonly number[] = [128, 256];

export function graphMemory(graph: GraphFacts, load: GraphLoad): GraphMemory {
  const { weightBytes } = graph;
  return {
    loaded: SESSION_BYTES + WEIGHTS_LOADED * weightBytes,
    loading: SESSION_BYTES + WEIGHTS_LOADING * weightBytes,
    run: runBytes(graph, load),
  };
}

/** What one run takes besides the weights. */
export function runBytes(
  { role, config }: Omit<GraphFacts, 'weightBytes'>,
  { samples, pixels, controlnets = 0 }: GraphLoad,
): number {
  const { first, other } = CONTROL_FLOATS;
  const controls = controlnets === 0 ? 0 : first + (controlnets - 1) * other;
  const floats = FLOATS[role](config) + controls;
  return samples * pixels * floats * FLOAT_BYTES;
}

/** For each pixel of the latents. */
const FLOATS: Readonly<Record<GraphRole, (config: JsonObject) => number>> = {
  unet: (config) => {
    const [width = UNET_WIDTH] = widthsOf(config);
    if (temporalKind(config) !== 'clip') return UNET_FLOATS * width;
    const head = Number(config['attention_head_dim'] ?? HEAD_WIDTH);
    return CLIP_FLOATS.block * width + CLIP_FLOATS.opening * OPENING_HEADS * head;
  },
  'vae-encoder': (config) => {
    const [width = VAE_WIDTHS[0]!] = widthsOf(config);
    return REDUCTION ** 2 * (ENCODER_FLOATS.pixel + ENCODER_FLOATS.channel * width);
  },
  'vae-decoder': (config) => {
    const [first = VAE_WIDTHS[0]!, second = VAE_WIDTHS[1]!] = widthsOf(config);
    return REDUCTION ** 2 * (DECODER_FLOATS.pixel + DECODER_FLOATS.channel * (first + second));
  },
  // A prompt is short.
  'text-encoder': () => 0,
  annotator: () => 0,
};

function widthsOf(config: JsonObject): readonly number[] {
  const given: JsonValue | undefined = config['block_out_channels'];
  return Array.isArray(given) ? given.map(Number).filter((width) => width > 0) : [];
}
