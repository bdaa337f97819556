// What a user says of a render that draws a part of each frame anew.

import { z } from 'zod';

import { rectangleSpec } from '../pipeline/rectangles.ts';
import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS } from '../spec/fields.ts';
import { PROMPT_SPAN_FIELDS, PROMPT_SPAN_FLAGS } from '../spec/frame-spans.ts';
import { KEEP_KNOWN_FIELDS, KEEP_KNOWN_FLAGS } from './keep-known.ts';

const maskSpec = z.strictObject({
  path: z.string().min(1).optional(),
  rectangle: rectangleSpec.optional(),
  to: rectangleSpec.optional(),
});

export const inpainting = recipeSpec({
  name: 'inpainting',
  doc: 'A part of each frame is drawn anew, the rest is known',
  fields: {
    ...DRAWING_FIELDS,
    ...PROMPT_SPAN_FIELDS,
    ...KEEP_KNOWN_FIELDS,
    mask: maskSpec.prefault({}),
  },
  panels: { source: 'source' },
  sources: { mask: 'mask.path' },
  flags: [
    {
      name: 'mask',
      kind: 'path',
      value: 'FILE',
      field: 'mask.path',
      doc: 'What is drawn anew, white, of the size of --input: a video, an animated GIF or a folder of pictures, or one picture for all frames',
    },
    {
      name: 'mask-rectangle',
      kind: 'text',
      value: 'X,Y,W,H',
      field: 'mask.rectangle',
      doc: 'The same as a rectangle, in pixels of the frames that are rendered',
    },
    {
      name: 'mask-to',
      kind: 'text',
      value: 'X,Y,W,H',
      field: 'mask.to',
      doc: 'Where it is in the last frame, to which it moves evenly',
      defaultText: 'it stays',
    },
    ...KEEP_KNOWN_FLAGS,
    ...DRAWING_FLAGS,
    ...PROMPT_SPAN_FLAGS,
  ],
});
