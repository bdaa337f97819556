// What a user says of a render whose frames a T2I-Adapter draws along a control signal of the source.

import {
  CONTROL_FIELDS,
  CONTROL_FLAGS,
  CONTROL_PANELS,
  CONTROL_SOURCES,
} from '../controlnet/control-spec.ts';
import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS } from '../spec/fields.ts';
import { PROMPT_SPAN_FIELDS, PROMPT_SPAN_FLAGS } from '../spec/frame-spans.ts';

export const t2iAdapter = recipeSpec({
  name: 't2i-adapter',
  doc: 'T2I-Adapters, smaller than ControlNets, draw each frame along control signals of the source',
  fields: { ...DRAWING_FIELDS, ...CONTROL_FIELDS, ...PROMPT_SPAN_FIELDS },
  panels: CONTROL_PANELS,
  sources: CONTROL_SOURCES,
  flags: [...CONTROL_FLAGS, ...DRAWING_FLAGS, ...PROMPT_SPAN_FLAGS],
});
