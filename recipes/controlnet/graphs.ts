// The graphs that frames are drawn with along controls: an image UNet with ControlNets or T2I-Adapters fused in (models/export).

import { floats, imageUnet } from '../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../workers/inference/graph-kind.ts';

/** `count`: how many ControlNets are in it. A graph of another number is told before the first run. */
export function controlnetUnet(count: number): GraphKind {
  return imageUnet(counted('controlnet-unet', count), {
    controlnet_conds: floats(count, null, 3, null, null),
    conditioning_scales: floats(count),
  });
}

/** `count`: how many T2I-Adapters. All of them see grey pictures, or all of them coloured ones. */
export function adapterUnet(count: number): GraphKind {
  const [grey, coloured] = [1, 3].map((channels) => floats(count, null, channels, null, null));
  return imageUnet(counted('adapter-unet', count), {
    adapter_conds: { types: grey!.types, shapes: [...grey!.shapes, ...coloured!.shapes] },
    conditioning_scales: floats(count),
  });
}

function counted(name: string, count: number): string {
  return count === 1 ? name : `${name} of ${count}`;
}
