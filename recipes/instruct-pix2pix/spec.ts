// What a user says of a render that edits each frame as an instruction says.

import { z } from 'zod';

import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS } from '../spec/fields.ts';
import { PROMPT_SPAN_FIELDS, PROMPT_SPAN_FLAGS } from '../spec/frame-spans.ts';

export const instructPix2pix = recipeSpec({
  name: 'instruct-pix2pix',
  doc: 'Each frame is edited as the prompt, an instruction, says',
  // Less than 1 is no guidance by the frame; diffusers' pipeline then drops that by the instruction too.
  fields: {
    ...DRAWING_FIELDS,
    ...PROMPT_SPAN_FIELDS,
    imageGuidanceScale: z.number().min(1).max(100).optional(),
  },
  panels: { source: 'source' },
  flags: [
    {
      name: 'image-guidance-scale',
      kind: 'number',
      value: 'X',
      field: 'imageGuidanceScale',
      doc: 'How closely an edited frame keeps to the frame that it was made of; 1 means no more than the model does by itself',
      defaultText: "the models' own, else 1.5",
    },
    ...DRAWING_FLAGS,
    ...PROMPT_SPAN_FLAGS,
  ],
});
