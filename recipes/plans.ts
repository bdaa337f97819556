// How every recipe becomes a plan: a line each.

export { controlnet } from './controlnet/plan.ts';
export { frames } from './frames/plan.ts';
export { inpainting } from './inpainting/plan.ts';
export { outpainting } from './outpainting/plan.ts';
export { promptToPrompt as 'prompt-to-prompt' } from './prompt-to-prompt/plan.ts';
