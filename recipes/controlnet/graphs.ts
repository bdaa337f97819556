// The graphs that ControlNets draw with: an image UNet with them fused in (models/export).

import { floats, imageUnet } from '../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../workers/inference/graph-kind.ts';

/** `count`: how many ControlNets are in it. A graph of another number is told before the first run. */
export function controlnetUnet(count: number): GraphKind {
  return imageUnet(count === 1 ? 'controlnet-unet' : `controlnet-unet of ${count}`, {
    controlnet_conds: floats(count, null, 3, null, null),
    conditioning_scales: floats(count),
  });
}
