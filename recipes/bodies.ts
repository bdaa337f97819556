// How every recipe that draws frames does it: a line each. Runs in lanes.

export { controlnet } from './controlnet/body.ts';
export { inpainting, inpainting as outpainting } from './inpainting/body.ts';
export { instructPix2pix as 'instruct-pix2pix' } from './instruct-pix2pix/body.ts';
export { promptToPrompt as 'prompt-to-prompt' } from './prompt-to-prompt/body.ts';
export { t2iAdapter as 't2i-adapter' } from './t2i-adapter/body.ts';
