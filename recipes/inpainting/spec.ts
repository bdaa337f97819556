// What a user says of a render that draws a part of each frame anew.

import { z } from 'zod';

import { rectangleSpec } from '../pipeline/rectangles.ts';
import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS } from '../spec/fields.ts';

const maskSpec = z.strictObject({
  rectangle: rectangleSpec.optional(),
  to: rectangleSpec.optional(),
});

export const inpainting = recipeSpec({
  name: 'inpainting',
  doc: 'A part of each frame is drawn anew, the rest is known',
  fields: { ...DRAWING_FIELDS, mask: maskSpec.prefault({}) },
  panels: { source: 'source' },
  flags: [
    {
      name: 'mask-rectangle',
      kind: 'text',
      value: 'X,Y,W,H',
      field: 'mask.rectangle',
      doc: 'What is drawn anew, in pixels of the frames that are rendered',
    },
    {
      name: 'mask-to',
      kind: 'text',
      value: 'X,Y,W,H',
      field: 'mask.to',
      doc: 'Where it is in the last frame, to which it moves evenly',
      defaultText: 'it stays',
    },
    ...DRAWING_FLAGS,
  ],
});
