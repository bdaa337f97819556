// The chart's definition of Renders: that of the coordinator, with what the command line's help says of each setting.

import { stringify } from 'yaml';

import { RENDER_FLAGS } from '../../cli/flags/flag-table.ts';
import { renderDefinition } from '../../coordinator/kubernetes/renders/definition.ts';

const HEAD = '# Made by npm run generate, from the schema of spec files.\n';

/** The file's text. */
export function renderDefinitionText(): string {
  const docs = new Map(RENDER_FLAGS.map(({ field, doc }) => [field, `${doc}.`]));
  return HEAD + stringify(renderDefinition((field) => docs.get(field)));
}
