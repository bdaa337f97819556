// A checked spec as the wire has it.

import type { RenderSpec as SpecMessage } from '../../common/gen/bivdiff/v1/render_spec.ts';
import { recipesWith } from '../../recipes/spec/schema.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

/** Settings of recipes for which the message has a field of their own. The others travel as they are, in `taskSettingsJson`. */
const NAMED: ReadonlySet<string> = new Set(['control', 'guidanceScale', 'scheduler']);

/** Absent fields are undefined in messages. */
export function specMessage(spec: RenderSpec): SpecMessage {
  const { bridging, ...rest } = spec;
  const others: [string, unknown][] = Object.entries(rest).filter(
    ([field]) => recipesWith(field).length > 0 && !NAMED.has(field),
  );
  // A coordinator that does not know it refuses it there; of a field of the message it would not see that it does not.
  if (bridging.strategy !== 'mixed' || bridging.strength !== undefined)
    others.push(['bridging', bridging]);
  return {
    ...{ name: undefined, size: undefined, negativePrompt: undefined, videoPrompt: undefined },
    ...{ steps: undefined, guidanceScale: undefined, videoGuidanceScale: undefined },
    ...{ mixingRatio: undefined, scheduler: undefined, models: undefined, videoModel: undefined },
    window: undefined,
    ...rest,
    control: 'control' in rest ? { low: undefined, high: undefined, ...rest.control } : undefined,
    inversion: { mode: undefined, ...rest.inversion },
    taskSettingsJson: others.length === 0 ? '' : JSON.stringify(Object.fromEntries(others)),
  };
}
