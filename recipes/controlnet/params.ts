// What a generate task of this recipe is told, from the planner to its body.

import type { DrawingParams } from '../pipeline/generator-settings.ts';

export type ControlnetParams = DrawingParams &
  Readonly<{
    task: 'controlnet';
    /** Of the ControlNet's residuals. */
    conditioningScale: number;
  }>;
