// What a generate task of this recipe is told, from the planner to its body.

import type { DrawingParams } from '../pipeline/generator-settings.ts';

/** The prompt is the instruction. */
export type InstructParams = DrawingParams &
  Readonly<{
    task: 'instruct-pix2pix';
    /** Of what the frame adds to the prediction, 1 to 100. */
    imageGuidanceScale: number;
  }>;
