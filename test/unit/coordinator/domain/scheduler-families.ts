// The scheduler_config.json of well-known models, as they are published on the Hugging Face Hub: read in copies of their folders on
// GitHub, but for ZeroScope, ModelScope, InstructPix2Pix and Stable Diffusion 2's inpainting, which are put together from what is told of
// them. Some lack keys that their class has a default for: who reads them has to fill in the right one.

import type { InversionMode, SamplerName } from '../../../../common/stages.ts';

export type Use = SamplerName | `inversion ${InversionMode}`;

export interface SchedulerFamily {
  readonly name: string;
  readonly config: Readonly<Record<string, string | number | boolean | null>>;
  /** As many as the model is usually given. */
  readonly steps: number;
  /** What cannot be done with it, and by which words it is told. */
  readonly refused: Readonly<Partial<Record<Use, RegExp>>>;
}

/** Stable Diffusion's noise, and the keys that most published files have. */
const SD = {
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  steps_offset: 1,
  trained_betas: null,
};
const XL = {
  ...SD,
  interpolation_type: 'linear',
  prediction_type: 'epsilon',
  sample_max_value: 1,
  skip_prk_steps: true,
};
const NO_TRAILING = /timestep_spacing: "trailing" is not one of leading/;
const NO_LINSPACE = /timestep_spacing: "linspace" is not one of leading/;
const NO_ZERO_SNR = /rescale_betas_zero_snr: is not supported/;
const NO_VELOCITY = /prediction_type: "v_prediction" is not one of epsilon/;
const FLOW = /_class_name: "FlowMatchEulerDiscreteScheduler" is of another kind of model/;

export const FAMILIES: readonly SchedulerFamily[] = [
  {
    name: 'Stable Diffusion 1.5 (runwayml/stable-diffusion-v1-5)',
    config: { _class_name: 'PNDMScheduler', ...SD, skip_prk_steps: true },
    steps: 50,
    refused: {},
  },
  {
    name: 'Stable Diffusion 2.1 at 768 (stabilityai/stable-diffusion-2-1)',
    config: {
      _class_name: 'DDIMScheduler',
      ...SD,
      prediction_type: 'v_prediction',
      skip_prk_steps: true,
    },
    steps: 50,
    refused: { 'inversion official': NO_VELOCITY },
  },
  {
    name: 'SDXL (stabilityai/stable-diffusion-xl-base-1.0)',
    config: {
      _class_name: 'EulerDiscreteScheduler',
      ...XL,
      timestep_spacing: 'leading',
      use_karras_sigmas: false,
    },
    steps: 50,
    refused: {},
  },
  {
    name: 'ZeroScope (cerspense/zeroscope_v2_576w)',
    config: {
      _class_name: 'DDIMScheduler',
      ...SD,
      clip_sample_range: 1,
      dynamic_thresholding_ratio: 0.995,
      prediction_type: 'epsilon',
      rescale_betas_zero_snr: false,
      sample_max_value: 1,
      skip_prk_steps: true,
      thresholding: false,
      timestep_spacing: 'leading',
    },
    steps: 40,
    refused: {},
  },
  {
    name: 'ModelScope (damo-vilab/text-to-video-ms-1.7b)',
    config: {
      _class_name: 'DDIMScheduler',
      ...SD,
      prediction_type: 'epsilon',
      skip_prk_steps: true,
    },
    steps: 25,
    refused: {},
  },
  {
    name: 'LCM (SimianLuo/LCM_Dreamshaper_v7)',
    config: {
      _class_name: 'LCMScheduler',
      ...XL,
      clip_sample_range: 1,
      dynamic_thresholding_ratio: 0.995,
      original_inference_steps: 50,
      rescale_betas_zero_snr: false,
      thresholding: false,
      timestep_scaling: 10,
      timestep_spacing: 'leading',
      use_karras_sigmas: false,
    },
    steps: 4,
    refused: {},
  },
  {
    name: "Lightning (ByteDance/SDXL-Lightning: SDXL's, trailing)",
    config: {
      _class_name: 'EulerDiscreteScheduler',
      ...XL,
      timestep_spacing: 'trailing',
      use_karras_sigmas: false,
    },
    steps: 4,
    refused: { 'inversion official': NO_TRAILING },
  },
  {
    name: 'Turbo (stabilityai/sdxl-turbo)',
    config: { _class_name: 'EulerAncestralDiscreteScheduler', ...XL, timestep_spacing: 'trailing' },
    steps: 7,
    refused: { 'inversion official': NO_TRAILING },
  },
  {
    // Without a spacing: each of our samplers has its own class's, as if the file had been read by that class.
    name: 'InstructPix2Pix (timbrooks/instruct-pix2pix)',
    config: {
      _class_name: 'EulerAncestralDiscreteScheduler',
      ...SD,
      prediction_type: 'epsilon',
      skip_prk_steps: true,
    },
    steps: 20,
    refused: {},
  },
  {
    // Without skip_prk_steps: PNDM begins with Runge-Kutta steps.
    name: 'inpainting (runwayml/stable-diffusion-inpainting)',
    config: { _class_name: 'DDIMScheduler', ...SD },
    steps: 50,
    refused: {},
  },
  {
    name: 'inpainting (stabilityai/stable-diffusion-2-inpainting)',
    config: {
      _class_name: 'PNDMScheduler',
      ...SD,
      prediction_type: 'epsilon',
      skip_prk_steps: true,
    },
    steps: 30,
    refused: {},
  },
  {
    name: 'zero terminal SNR, trailing (Hunyuan3D paint)',
    config: {
      _class_name: 'DDIMScheduler',
      ...SD,
      prediction_type: 'v_prediction',
      rescale_betas_zero_snr: true,
      set_alpha_to_one: true,
      timestep_spacing: 'trailing',
    },
    steps: 15,
    refused: {
      pndm: NO_ZERO_SNR,
      heun: NO_ZERO_SNR,
      deis: NO_ZERO_SNR,
      'inversion official': NO_TRAILING,
    },
  },
  {
    name: 'SDXL, linspace',
    config: { _class_name: 'EulerAncestralDiscreteScheduler', ...XL, timestep_spacing: 'linspace' },
    steps: 30,
    refused: { 'inversion official': NO_LINSPACE },
  },
  {
    name: 'flow matching (briaai/BRIA-3.2)',
    config: {
      _class_name: 'FlowMatchEulerDiscreteScheduler',
      base_image_seq_len: 256,
      base_shift: 0.5,
      max_image_seq_len: 4096,
      max_shift: 1.15,
      num_train_timesteps: 1000,
      shift: 3,
      use_dynamic_shifting: true,
    },
    steps: 30,
    refused: {
      ddim: FLOW,
      pndm: FLOW,
      'euler-ancestral': FLOW,
      'dpm-solver++': FLOW,
      euler: FLOW,
      heun: FLOW,
      unipc: FLOW,
      deis: FLOW,
      lcm: FLOW,
      'inversion ddim': FLOW,
      'inversion official': FLOW,
    },
  },
];
