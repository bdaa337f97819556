// The memory of graphs beside what ONNX Runtime 1.30 took on one machine (VmHWM of a process for each run, `npm run bench -- --only graph-memory`), for the
// graphs that ship and for a set of the same kinds four times as wide.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { graphMemory, runBytes } from '../../../../common/models/graph-memory.ts';
import type { GraphLoad, GraphRole } from '../../../../common/models/graph-memory.ts';
import type { JsonObject } from '../../../../common/task.ts';

const MIB = 2 ** 20;
const names = (suffix: string) => [
  ...Array<string>(3).fill(`CrossAttnDownBlock${suffix}`),
  `DownBlock${suffix}`,
];
const wide = { block_out_channels: [160, 320, 640, 640], layers_per_block: 2 };
const image = { ...wide, attention_head_dim: 8, down_block_types: names('2D') };
const clip = { ...wide, attention_head_dim: 32, down_block_types: names('3D') };
const unet = shipped('image/unet');
const video = shipped('video/shapes3d/unet');
const vae = shipped('image/vae');

function shipped(part: string): JsonObject {
  const path = new URL(`../../../../models/demo/${part}/config.json`, import.meta.url);
  return JSON.parse(readFileSync(fileURLToPath(path), 'utf8')) as JsonObject;
}

/** Of pictures of so many pixels a side. */
function load(samples: number, side: number, more: { frames?: number; controlnets?: number } = {}) {
  const { frames = 1, controlnets = 0 } = more;
  return { samples, pixels: frames * (side / 8) ** 2, controlnets };
}

describe('what a run takes', () => {
  it.each<[string, GraphRole, JsonObject, GraphLoad, number]>([
    ['the shipped UNet, 16 samples of 256x256', 'unet', unet, load(16, 256), 113],
    ['the shipped UNet, 8 samples of 512x512', 'unet', unet, load(8, 512), 217],
    [
      'the shipped UNet with a ControlNet, 8 of 256x256',
      'unet',
      unet,
      load(8, 256, { controlnets: 1 }),
      199,
    ],
    [
      'the shipped UNet with two, 8 of 256x256',
      'unet',
      unet,
      load(8, 256, { controlnets: 2 }),
      250,
    ],
    [
      'the shipped inflated UNet, 8 frames of 512x512',
      'unet',
      unet,
      load(1, 512, { frames: 8 }),
      211,
    ],
    [
      'the shipped video UNet, 2 of 16 frames of 256x256',
      'unet',
      video,
      load(2, 256, { frames: 16 }),
      769,
    ],
    ['the shipped VAE decoder, 8 of 256x256', 'vae-decoder', vae, load(8, 256), 497],
    ['the shipped VAE decoder, 2 of 768x768', 'vae-decoder', vae, load(2, 768), 978],
    ['the shipped VAE encoder, 4 of 256x256', 'vae-encoder', vae, load(4, 256), 109],
    ['the shipped VAE encoder, 2 of 512x512', 'vae-encoder', vae, load(2, 512), 212],
    ['Stable Diffusion’s VAE decoder, one of 512x512', 'vae-decoder', {}, load(1, 512), 1055],
    ['Stable Diffusion’s VAE encoder, one of 512x512', 'vae-encoder', {}, load(1, 512), 408],
    ['a wide UNet, 8 samples of 256x256', 'unet', image, load(8, 256), 223],
    ['a wide UNet, 4 samples of 512x512', 'unet', image, load(4, 512), 435],
    [
      'a wide UNet with a ControlNet, 4 of 512x512',
      'unet',
      image,
      load(4, 512, { controlnets: 1 }),
      652,
    ],
    ['a wide video UNet, 8 frames of 256x256', 'unet', clip, load(1, 256, { frames: 8 }), 430],
    ['a wide video UNet, 2 of 8 frames of 256x256', 'unet', clip, load(2, 256, { frames: 8 }), 856],
  ])('%s, within 15 %%', (...[, role, config, run, mebibytes]) => {
    const ratio = runBytes({ role, config }, run) / (mebibytes * MIB);
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  it('is taken as Stable Diffusion 1.5’s where the config says nothing', () => {
    const said = runBytes(
      { role: 'unet', config: { block_out_channels: [320, 640] } },
      load(2, 512),
    );
    expect(runBytes({ role: 'unet', config: {} }, load(2, 512))).toBe(said);
    expect(runBytes({ role: 'vae-decoder', config: {} }, load(1, 512))).toBe(
      runBytes({ role: 'vae-decoder', config: { block_out_channels: [128, 256] } }, load(1, 512)),
    );
  });
});

describe('what a graph takes', () => {
  it.each([
    ['a wide UNet', 838, 891, 1457],
    ['a wide video UNet', 1371, 1453, 2276],
  ])('%s, loaded and while it loads, within 10 %%', (_, weights, loaded, loading) => {
    const facts = { role: 'unet' as const, config: image, weightBytes: weights * MIB };
    const memory = graphMemory(facts, load(1, 256));
    expect(Math.abs(memory.loaded / (loaded * MIB) - 1)).toBeLessThan(0.1);
    expect(Math.abs(memory.loading / (loading * MIB) - 1)).toBeLessThan(0.1);
  });
});
