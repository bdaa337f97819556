// What a user says of a render whose frames a ControlNet draws along a control signal of the source.

import { recipeSpec } from '../recipe.ts';
import { DRAWING_FIELDS, DRAWING_FLAGS } from '../spec/fields.ts';
import { CONTROL_FIELDS, CONTROL_FLAGS, CONTROL_PANELS, CONTROL_SOURCES } from './control-spec.ts';

export const controlnet = recipeSpec({
  name: 'controlnet',
  doc: 'ControlNets draw each frame along control signals of the source',
  fields: { ...DRAWING_FIELDS, ...CONTROL_FIELDS },
  panels: CONTROL_PANELS,
  sources: CONTROL_SOURCES,
  flags: [...CONTROL_FLAGS, ...DRAWING_FLAGS],
});
