// Arithmetic of graphs against two references: operations as torch counts them (torch 2.13, FlopCounterMode over diffusers 0.42.1's
// classes on the meta device), and seconds that ONNX Runtime took for the shipped graphs at four sizes.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { operationsOf, unetWork, vaeWork } from '../../../../common/models/graph-work.ts';
import type { GraphWork } from '../../../../common/models/graph-work.ts';
import type { JsonObject } from '../../../../common/task.ts';

const widths = { block_out_channels: [320, 640, 1280, 1280], layers_per_block: 2 };
const blocks = (suffix: string) => [
  ...Array<string>(3).fill(`CrossAttnDownBlock${suffix}`),
  `DownBlock${suffix}`,
];
const image = { ...widths, attention_head_dim: 8, down_block_types: blocks('2D') };
const vidrd = {
  ...{ ...widths, attention_head_dim: [5, 10, 20, 20], down_block_types: blocks('3D') },
  add_temp_conv: true,
};
/** As a motion adapter's config has it, which says nothing of the image UNet's. */
const motion = { block_out_channels: widths.block_out_channels, motion_layers_per_block: 2 };
const clip = { ...widths, attention_head_dim: 64, down_block_types: blocks('3D') };

describe('the operations of one frame', () => {
  it.each<[string, GraphWork, number, number]>([
    ["Stable Diffusion 1.5's UNet at 512x512", unetWork(image), 64, 803.3],
    ['the same at 256x256', unetWork(image), 32, 180.1],
    ["ZeroScope's UNet at 256x256", unetWork(clip), 32, 305.2],
    ["VidRD's UNet at 256x256", unetWork(vidrd), 32, 236.1],
    ["AnimateDiff's UNet at 256x256", unetWork(motion), 32, 256.4],
    ["the VAE's decoder at 512x512", vaeWork({}, 'decoder'), 64, 2514.5],
    ["the VAE's encoder at 512x512", vaeWork({}, 'encoder'), 64, 1116.7],
  ])('of %s are as torch counts them, within 5 %', (_, work, side, billions) => {
    const ratio = operationsOf(work, side * side) / (billions * 1e9);
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThan(1.05);
  });

  it('are those of Stable Diffusion where the config says nothing, or nothing that could be', () => {
    expect(
      unetWork({ ...image, ...{ block_out_channels: 'wide', layers_per_block: null } }),
    ).toEqual(unetWork(image));
    expect(unetWork({})).toEqual(unetWork(image));
  });
});

describe('what a size costs beside 128x128', () => {
  /** Milliseconds of one run in one thread, at 128, 192, 256 and 384 pixels a side: the least of five, or of two at 384. */
  it.each<[string, GraphWork, readonly number[]]>([
    ['image/unet: with a ControlNet', unetWork(shipped('image/unet')), [41, 106, 216, 694]],
    ['image/unet: inflated', unetWork(shipped('image/unet')), [25, 69, 145, 474]],
    ['video/shapes3d/unet', unetWork(shipped('video/shapes3d/unet')), [67, 156, 291, 809]],
    [
      'video/shapes3d/unet: guided',
      unetWork(shipped('video/shapes3d/unet')),
      [126, 304, 615, 1697],
    ],
    ['image/vae: encoder', vaeWork(shipped('image/vae'), 'encoder'), [7, 16, 30, 82]],
    ['image/vae: decoder', vaeWork(shipped('image/vae'), 'decoder'), [20, 47, 87, 226]],
  ])('is what was taken, within 30 %%: %s', (_, work, taken) => {
    for (const [i, side] of [16, 24, 32, 48].entries()) {
      const foretold = operationsOf(work, side * side) / operationsOf(work, 16 * 16);
      const ratio = foretold / (taken[i]! / taken[0]!);
      expect(ratio).toBeGreaterThan(0.7);
      expect(ratio).toBeLessThan(1.3);
    }
  });
});

function shipped(part: string): JsonObject {
  const path = new URL(`../../../../models/demo/${part}/config.json`, import.meta.url);
  return JSON.parse(readFileSync(fileURLToPath(path), 'utf8')) as JsonObject;
}
