// The other half of a recipe, for those that draw frames: how it is done. Runs in lanes, and is loaded nowhere else.

import type { GraphKind } from '../workers/inference/graph-kind.ts';
import type { StageBody } from '../workers/inference/ports.ts';

/** Gathered in bodies.ts. `P`: what its generate tasks are told. */
export interface RecipeBody<P> {
  /** What the graph of its UNet must look like; where that depends on it, of a generator with so many conditions. */
  readonly unet: GraphKind | ((conditions: number) => GraphKind);
  /** Graphs that it may run besides text encoder, UNet and VAE decoder. @default none */
  readonly graphs?: readonly 'vae-encoder'[];
  /** Whether the frames of a task see each other in it, so that its batch cannot be cut. @default each is drawn alone */
  readonly seesWhole?: (params: P) => boolean;
  /** Makes `frames`, `[frames, height, width, 3]`. */
  readonly generate: StageBody<P>;
}

export function unetOf({ unet }: Pick<RecipeBody<never>, 'unet'>, conditions: number): GraphKind {
  return typeof unet === 'function' ? unet(conditions) : unet;
}
