// Every recipe's settings: a line each, under the name that users write (`export { twoWords as 'two-words' }`). Help shows them by name.

export { controlnet } from './controlnet/spec.ts';
export { frames } from './frames/spec.ts';
export { inpainting } from './inpainting/spec.ts';
export { instructPix2pix as 'instruct-pix2pix' } from './instruct-pix2pix/spec.ts';
export { outpainting } from './outpainting/spec.ts';
export { promptToPrompt as 'prompt-to-prompt' } from './prompt-to-prompt/spec.ts';
export { t2iAdapter as 't2i-adapter' } from './t2i-adapter/spec.ts';
