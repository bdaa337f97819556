// What a user says of a render whose frames another program has made already, one by one: they are only smoothed.

import { recipeSpec } from '../recipe.ts';
import { PROMPT_SPAN_FIELDS, PROMPT_SPAN_FLAGS } from '../spec/frame-spans.ts';

export const frames = recipeSpec({
  name: 'frames',
  doc: 'The source is the frames: made by another program, they are only smoothed',
  fields: PROMPT_SPAN_FIELDS,
  panels: {},
  flags: PROMPT_SPAN_FLAGS,
});
