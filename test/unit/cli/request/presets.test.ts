// Presets against facts that were written down from the official configuration files (official-configs.json), field by field, and what is
// said of flags beside them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { PRESETS } from '../../../../cli/flags/presets.ts';
import { requestFromFlags } from '../../../../cli/request/render-request.ts';
import type { RequestOptions } from '../../../../cli/request/render-request.ts';
import { layerOfFlags } from '../../../../cli/request/run-options.ts';
import type { RenderSpec } from '../../../../recipes/spec/schema.ts';

interface OfficialConfig {
  readonly file: string;
  readonly idm: string;
  readonly mixing_ratio: number;
  readonly video_length: number;
  readonly width: number;
  readonly height: number;
  readonly frame_rate: number;
  readonly seed: number;
  readonly guidance_scale: number;
  readonly num_inference_steps: number;
  readonly mask_type?: string;
  readonly POS_PROMPT: string;
  readonly NEG_PROMPT: string;
}

const { configs } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'official-configs.json'), 'utf8'),
) as { readonly configs: readonly OfficialConfig[] };

const PRESET_OF: Readonly<Record<string, string>> = {
  ControlNet: 'bivdiff-controlnet',
  T2IAdapter: 'bivdiff-t2i-adapter',
  InstructPix2Pix: 'bivdiff-instruct-pix2pix',
  Prompt2Prompt: 'bivdiff-prompt-to-prompt',
  StableDiffusionInpainting: 'bivdiff-inpainting',
  StableDiffusionOutpainting: 'bivdiff-outpainting',
};

const SOURCE = { input: 'clip.mp4', prompt: 'a bear' };

function specOf(
  typed: Readonly<Record<string, string>>,
  options: Partial<RequestOptions> = {},
): RenderSpec {
  const layer = layerOfFlags({ ...SOURCE, ...typed }, { folder: '/work' });
  return requestFromFlags(layer, { needsOutput: false, ...options }).spec;
}

const present = configs.filter(({ idm }) => PRESETS.has(PRESET_OF[idm]!));

describe('a preset', () => {
  it('is there for every task of the official files that there is a recipe for', () => {
    expect(configs).toHaveLength(8);
    const named = new Set(configs.map(({ idm }) => PRESET_OF[idm]));
    expect([...PRESETS.keys()].filter((name) => !named.has(name))).toEqual([]);
    expect([...PRESETS.keys()]).toContain('bivdiff-controlnet');
  });

  it.each(present)('says what $file says', (official) => {
    const spec = specOf({ preset: PRESET_OF[official.idm]! });
    expect(spec).toMatchObject({
      frames: official.video_length,
      size: { width: official.width, height: official.height },
      input: { start: 0, stride: official.frame_rate },
      resize: 'stretch',
      seed: official.seed,
      steps: official.num_inference_steps,
      guidanceScale: official.guidance_scale,
      videoGuidanceScale: official.guidance_scale,
      mixingRatio: official.mixing_ratio,
      bridging: { strategy: 'mixed' },
      inversion: { mode: 'official', normScope: 'window' },
      posterior: 'sample',
      prompt: `a bear${official.POS_PROMPT}`,
      negativePrompt: official.NEG_PROMPT,
      ...(official.mask_type === undefined ? {} : { outpaint: { direction: official.mask_type } }),
    });
  });

  it('puts its words after a prompt of the video model too', () => {
    const spec = specOf({ preset: 'bivdiff-controlnet', videoPrompt: 'a bear walks' });
    expect(spec.videoPrompt).toBe(`a bear walks${configs[0]!.POS_PROMPT}`);
    expect(specOf({ preset: 'bivdiff-inpainting', videoPrompt: 'x' }).videoPrompt).toBe('x');
  });

  it('is off unless it is asked for', () => {
    const spec = specOf({ task: 'controlnet' });
    expect(spec).toMatchObject({ prompt: 'a bear', inversion: { normScope: 'window' } });
    expect(spec.steps).toBeUndefined();
    expect(spec.inversion.mode).toBeUndefined();
  });

  it('takes flags that say the same, and those of which it says nothing', () => {
    const flags = { task: 'controlnet', steps: '50', size: '512x512', controlScale: '0.5' };
    const spec = specOf({ preset: 'bivdiff-controlnet', ...flags });
    expect(spec).toMatchObject({ control: { scale: 0.5 }, steps: 50 });
  });

  it('is refused beside flags that contradict it, each by name', () => {
    const flags = { steps: '20', size: '128x128', inversion: 'ddim', task: 'frames' };
    let message = '';
    try {
      specOf({ preset: 'bivdiff-controlnet', ...flags, negativePrompt: 'x' });
    } catch (reason) {
      ({ message } = reason as Error);
    }
    for (const text of [
      '--steps 20 contradicts --preset bivdiff-controlnet, which says 50; leave one of them out',
      '--size "128x128" contradicts --preset bivdiff-controlnet, which says "512x512"',
      '--inversion "ddim" contradicts --preset bivdiff-controlnet, which says "official"',
      '--task "frames" contradicts --preset bivdiff-controlnet, which says "controlnet"',
      '--negative-prompt "x" contradicts --preset bivdiff-controlnet',
    ]) {
      expect(message).toContain(text);
    }
  });

  it('leaves to a sweep what the sweep tries', () => {
    const flags = { preset: 'bivdiff-controlnet', mixingRatio: '0.5' };
    expect(() => specOf(flags)).toThrow('--mixing-ratio 0.5 contradicts');
    expect(specOf(flags, { swept: ['mixingRatio'] })).toMatchObject({
      mixingRatio: 0.5,
      steps: 50,
    });
  });

  it('is refused if there is none of its name', () => {
    expect(() => specOf({ preset: 'bivdif-controlnet' })).toThrow(
      /--preset bivdif-controlnet: expected one of .*; did you mean bivdiff-controlnet\?/,
    );
  });
});
