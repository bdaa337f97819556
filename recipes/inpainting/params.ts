// What a generate task of a recipe that draws parts of frames is told, from the planner to its body.

import type { DrawingParams } from '../pipeline/generator-settings.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';

export type InpaintingParams = DrawingParams &
  Readonly<{
    task: 'inpainting' | 'outpainting';
    /** For each frame of the task what is drawn anew; the rest is known. Absent: where the pictures of the input `mask` are white. */
    hidden?: readonly (readonly Rectangle[])[];
  }>;
