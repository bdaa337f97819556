// How every recipe becomes a plan: a line each.

export { controlnet } from './controlnet/plan.ts';
export { frames } from './frames/plan.ts';
export { inpainting } from './inpainting/plan.ts';
export { instructPix2pix as 'instruct-pix2pix' } from './instruct-pix2pix/plan.ts';
export { outpainting } from './outpainting/plan.ts';
export { promptToPrompt as 'prompt-to-prompt' } from './prompt-to-prompt/plan.ts';
export { t2iAdapter as 't2i-adapter' } from './t2i-adapter/plan.ts';
