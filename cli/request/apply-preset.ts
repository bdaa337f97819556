// A preset in place of the settings that it stands for. What it says may be said again, but not contradicted: a render that is called by a
// preset's name is the preset's.

import { canonicalJson } from '../../common/canonical-json.ts';
import { PRESETS } from '../flags/presets.ts';
import { nearestWord } from '../flags/nearest.ts';
import { fieldOf, setField } from './spec-layer.ts';
import type { SpecLayer } from './spec-layer.ts';
import type { NameOf } from './spec-problems.ts';

/** Fields that end in prompts, which a preset adds words to. */
const PROMPTS = ['prompt', 'videoPrompt'];

/**
 * The layer with the fields of the preset that it names; the layer itself if it names none. Problems are in the result. Fields in `swept` are the
 * user's: a sweep tries others beside the preset's.
 */
export function applyPreset(
  layer: SpecLayer,
  { nameOf, swept }: { readonly nameOf: NameOf; readonly swept: readonly string[] },
): SpecLayer {
  const { preset: named, ...given } = layer.fields;
  if (named === undefined) return layer;
  const called = `${nameOf('preset')} ${typeof named === 'string' ? named : JSON.stringify(named)}`;
  const preset = typeof named === 'string' ? PRESETS.get(named) : undefined;
  if (preset === undefined) {
    const words = [...PRESETS.keys()];
    const meant = typeof named === 'string' ? nearestWord(named, words) : undefined;
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    const problem = `${called}: expected one of ${words.join(', ')}${hint}`;
    // Whichever was meant, it says all that they say.
    const fields = [...PRESETS.values()].flatMap((one) => Object.keys(one.fields));
    const left = fields.filter((field) => fieldOf(given, field) === undefined);
    return {
      ...{ ...layer, fields: given, problems: [...layer.problems, problem] },
      unknown: [...new Set([...layer.unknown, ...left])],
    };
  }
  const fields = { ...given };
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const [field, value] of Object.entries(preset.fields)) {
    const own = fieldOf(given, field);
    if (own === undefined) setField(fields, field, value);
    else if (!swept.includes(field) && !isSame(own, value)) {
      const text = JSON.stringify(value);
      problems.push(
        `${nameOf(field)} ${JSON.stringify(own)} contradicts ${called}, which says ${text}; leave one of them out`,
      );
      // Which of the two is meant shows when one is left out.
      unknown.push(field);
    }
  }
  for (const field of PROMPTS) {
    const own = fieldOf(given, field);
    if (typeof own === 'string' && (own !== '' || field === 'prompt')) {
      setField(fields, field, own + preset.suffix);
    }
  }
  const { prompts } = fields;
  if (Array.isArray(prompts)) fields['prompts'] = prompts.map((one) => withSuffix(one, preset));
  return {
    ...{ ...layer, fields, problems: [...layer.problems, ...problems] },
    unknown: [...layer.unknown, ...unknown],
  };
}

/** Of some frames: `FRAMES=TEXT`, or an object with the fields that end in prompts. */
function withSuffix(span: unknown, { suffix }: { readonly suffix: string }): unknown {
  if (typeof span === 'string') return span + suffix;
  if (typeof span !== 'object' || span === null) return span;
  const texts = Object.entries(span).map(([field, value]: [string, unknown]) => {
    return [field, PROMPTS.includes(field) && typeof value === 'string' ? value + suffix : value];
  });
  return Object.fromEntries(texts) as unknown;
}

/** A size may be an object as well as a text. */
function isSame(given: unknown, value: string | number): boolean {
  const { width, height } = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof width === 'number' && typeof height === 'number')
    return `${width}x${height}` === value;
  return canonicalJson(given) === canonicalJson(value);
}
