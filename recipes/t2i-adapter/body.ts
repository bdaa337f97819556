// T2I-Adapters draw each frame along its control pictures (diffusers, pipeline_stable_diffusion_adapter.py). What they add to the UNet is the
// same at every step.

import { drawAlong } from '../controlnet/body.ts';
import { adapterUnet } from '../controlnet/graphs.ts';
import type { ControlsParams } from '../controlnet/params.ts';
import type { RecipeBody } from '../recipe-body.ts';

export const t2iAdapter: RecipeBody<ControlsParams<'t2i-adapter'>> = {
  unet: adapterUnet,
  generate: drawAlong('adapter_conds'),
};
