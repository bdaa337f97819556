// What a user says of a render whose frames a ControlNet draws along a control signal of the source.

import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS, words } from '../spec/fields.ts';
import { PROMPT_SPAN_FIELDS, PROMPT_SPAN_FLAGS } from '../spec/frame-spans.ts';
import { CONTROL_FIELDS, CONTROL_FLAGS, CONTROL_PANELS, CONTROL_SOURCES } from './control-spec.ts';

export const controlnet = recipeSpec({
  name: 'controlnet',
  doc: 'ControlNets draw each frame along control signals of the source',
  fields: {
    ...DRAWING_FIELDS,
    ...CONTROL_FIELDS,
    ...PROMPT_SPAN_FIELDS,
    // Absent for the first: a coordinator of an older version refuses what it does not know.
    method: words(['bivdiff', 'controlvideo']).optional(),
  },
  panels: CONTROL_PANELS,
  sources: CONTROL_SOURCES,
  flags: [
    {
      name: 'method',
      kind: 'word',
      value: 'NAME',
      field: 'method',
      doc: 'What makes a clip: bivdiff smooths frames that were drawn one by one; controlvideo, which it is compared with, draws those of a window together',
      defaultText: 'bivdiff',
    },
    ...CONTROL_FLAGS,
    ...DRAWING_FLAGS,
    ...PROMPT_SPAN_FLAGS,
  ],
});
