// Every recipe's settings: a line each. Order of help.

export { controlnet } from './controlnet/spec.ts';
export { frames } from './frames/spec.ts';
