// What a user says of a render that draws the sides of each frame anew.

import { z } from 'zod';

import { KEEP_KNOWN_FIELDS, KEEP_KNOWN_FLAGS } from '../inpainting/keep-known.ts';
import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS, words } from '../spec/fields.ts';
import { PROMPT_SPAN_FIELDS, PROMPT_SPAN_FLAGS } from '../spec/frame-spans.ts';

/** Of the official code (MCG-NJU/BIVDiff, StableDiffusionInpainting/infer.py:22-39): quarters, above and below or left and right. */
export const DIRECTIONS = ['horizontal', 'vertical'] as const;

const margin = z.int().min(0).max(8192);
const marginsSpec = z.strictObject({
  direction: words(DIRECTIONS).optional(),
  left: margin.optional(),
  right: margin.optional(),
  top: margin.optional(),
  bottom: margin.optional(),
});

const sideFlag = (side: 'left' | 'right' | 'top' | 'bottom') => ({
  name: `outpaint-${side}`,
  kind: 'number' as const,
  value: 'N',
  field: `outpaint.${side}`,
  doc: `Pixels at the ${side} that are drawn anew`,
  defaultText: '0',
});

export const outpainting = recipeSpec({
  name: 'outpainting',
  doc: 'The sides of each frame are drawn anew, its middle is known',
  fields: {
    ...DRAWING_FIELDS,
    ...PROMPT_SPAN_FIELDS,
    ...KEEP_KNOWN_FIELDS,
    outpaint: marginsSpec.prefault({}),
  },
  panels: { source: 'source' },
  flags: [
    {
      name: 'outpaint',
      kind: 'word',
      value: 'DIRECTION',
      field: 'outpaint.direction',
      doc: 'Quarters that are drawn anew, as in the paper: horizontal at top and bottom, vertical at left and right',
      defaultText: 'horizontal, unless a side is given',
    },
    ...(['left', 'right', 'top', 'bottom'] as const).map(sideFlag),
    ...KEEP_KNOWN_FLAGS,
    ...DRAWING_FLAGS,
    ...PROMPT_SPAN_FLAGS,
  ],
});
