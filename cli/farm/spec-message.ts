// A checked spec as the wire has it.

import type { RenderSpec as SpecMessage } from '../../common/gen/bivdiff/v1/render_spec.ts';
import { recipesWith } from '../../recipes/spec/schema.ts';
import type { RenderSpec, SpecOf } from '../../recipes/spec/schema.ts';

/** Settings of recipes for which the message has a field of their own. The others travel as they are, in `taskSettingsJson`. */
const NAMED: ReadonlySet<string> = new Set(['control', 'guidanceScale', 'scheduler']);

/** Fields of every recipe that are younger than the message: as with these. */
const LATER_FIELDS = [
  ...(['long', 'windowStride', 'windowBlock', 'cuts', 'seeds', 'part'] as const),
  ...(['fast', 'guidanceEnd', 'cacheInterval'] as const),
] as const;

/** Absent fields are undefined in messages. */
export function specMessage(spec: RenderSpec): SpecMessage {
  const { bridging, ...rest } = spec;
  const control = controlMessage(rest);
  const others: [string, unknown][] = Object.entries(rest).filter(
    ([field]) => recipesWith(field).length > 0 && !NAMED.has(field),
  );
  // A coordinator that does not know it refuses it there; of a field of the message it would not see that it does not.
  if (bridging.strategy !== 'mixed' || bridging.strength !== undefined)
    others.push(['bridging', bridging]);
  for (const field of LATER_FIELDS)
    if (rest[field] !== undefined) others.push([field, rest[field]]);
  if (rest.output.audio === 'keep') others.push(['output.audio', 'keep']);
  if ('control' in rest && rest.control !== undefined && control === undefined)
    others.push(['control', rest.control]);
  return {
    ...{ name: undefined, size: undefined, negativePrompt: undefined, videoPrompt: undefined },
    ...{ steps: undefined, guidanceScale: undefined, videoGuidanceScale: undefined },
    ...{ mixingRatio: undefined, scheduler: undefined, models: undefined, videoModel: undefined },
    window: undefined,
    ...rest,
    control,
    inversion: { mode: undefined, ...rest.inversion },
    taskSettingsJson: others.length === 0 ? '' : JSON.stringify(Object.fromEntries(others)),
  };
}

/** Undefined where the message cannot say it: for several controls, a ready-made one, one whose weight is the models' own, or that does not count alike in all frames and steps. */
function controlMessage(spec: object): SpecMessage['control'] {
  const { control } = spec as Pick<SpecOf<'controlnet'>, 'control'>;
  if (control === undefined) return undefined;
  const { scale, start, end, input, ...rest } = control;
  if (typeof scale !== 'number' || (start ?? end ?? input) !== undefined) return undefined;
  return { low: undefined, high: undefined, ...rest, scale };
}
