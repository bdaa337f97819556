// What a user says of a render whose frames a ControlNet draws along a control signal of the source.

import { z } from 'zod';

import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS, words } from '../spec/fields.ts';
import { BY_MODELS } from '../spec/flag.ts';

/** |dx| + |dy| of Sobel's kernels on 8 bits goes so far. */
const threshold = z.number().min(0).max(2040);

const controlSpec = z.strictObject({
  type: words(['canny']).default('canny'),
  low: threshold.optional(),
  high: threshold.optional(),
  scale: z.number().min(0).max(2).default(1),
});

export const controlnet = recipeSpec({
  name: 'controlnet',
  doc: 'A ControlNet draws each frame along a control signal of the source',
  fields: { ...DRAWING_FIELDS, control: controlSpec.prefault({}) },
  panels: { control: 'control' },
  flags: [
    {
      name: 'control',
      kind: 'word',
      value: 'CONTROL',
      field: 'control.type',
      doc: 'Control signal taken from the source',
    },
    {
      name: 'control-scale',
      kind: 'number',
      value: 'X',
      field: 'control.scale',
      doc: "Weight of the control's influence",
    },
    {
      name: 'canny-low',
      kind: 'number',
      value: 'X',
      field: 'control.low',
      doc: 'Low threshold of the edge detector',
      defaultText: BY_MODELS,
    },
    {
      name: 'canny-high',
      kind: 'number',
      value: 'X',
      field: 'control.high',
      doc: 'High threshold of the edge detector',
      defaultText: BY_MODELS,
    },
    ...DRAWING_FLAGS,
  ],
});
