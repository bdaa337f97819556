// The controls that a spec asks for, in whichever of its two ways, as one list. Pure.

import { restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { ControlInFull, ControlSpec } from './control-spec.ts';
import { CONTROLS_MAX } from './control-spec.ts';
import { courseOver, parseCourse } from './courses.ts';
import type { Course, WrittenCourse } from './courses.ts';

export interface AskedControl {
  /** Its name in the models. */
  readonly type: string;
  /** Canny's thresholds; absent for the generator's own. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Absent for what suits the generator. */
  readonly scale?: Course | undefined;
  /** Its pictures, where they are ready-made. */
  readonly input?: string | undefined;
  /** Shares of the steps. */
  readonly start: number;
  readonly end: number;
}

/** Of what a spec asks. */
export interface ControlsSpec {
  readonly control?: ControlSpec | undefined;
  readonly controls?: readonly ControlInFull[] | undefined;
  readonly frames: number;
}

/** Where problems with control `index` are said to be: `of('low')`. */
export type PlaceOf = (index: number, field: string) => string;

export interface Asked {
  readonly controls: readonly AskedControl[];
  readonly placeOf: PlaceOf;
}

/** Each is checked against others. */
const TOLD_TOGETHER = [
  ...['control.type', 'control.input', 'control.scale', 'control.start', 'control.end'],
  'controls',
];

/** Undefined if there are problems, which are told then. */
export function askedControls(spec: ControlsSpec, problems: ProblemSink): Asked | undefined {
  const { control, controls } = spec;
  if (control !== undefined && controls !== undefined) {
    problems.push('controls: control says which controls there are too; leave one of the two out');
    return undefined;
  }
  const found: string[] = [];
  const ofFrames: string[] = [];
  const asked =
    controls === undefined
      ? inShort(control ?? { type: 'canny' }, found)
      : controls.map((one) => ({ ...one, scale: writtenScale(one.scale) }));
  const placeOf: PlaceOf = (index, field) =>
    controls === undefined ? `control.${field}` : `controls.${index}.${field}`;
  const list = asked.map((one, index) => {
    const scale = one.scale === undefined ? undefined : courseOver(one.scale, spec.frames);
    if (typeof scale === 'string') ofFrames.push(`${placeOf(index, 'scale')}: ${scale}`);
    if (one.end <= one.start) {
      found.push(
        `${placeOf(index, 'end')}: ${one.end} does not come after the start, ${one.start}`,
      );
    }
    return { ...one, scale: typeof scale === 'string' ? undefined : scale };
  });
  // Of one of them another may tell.
  const ofControls = restingOn(problems, ...TOLD_TOGETHER);
  ofControls.push(...new Set(found));
  restingOn(ofControls, 'frames').push(...new Set(ofFrames));
  return found.length + ofFrames.length > 0 ? undefined : { controls: list, placeOf };
}

type Written = Omit<AskedControl, 'scale'> & { readonly scale: WrittenCourse | undefined };

/** `canny,depth` with a value of each, or one for all. */
function inShort(
  { type, low, high, input, ...values }: ControlSpec,
  problems: string[],
): Written[] {
  // As users write them, and as cards call what several are drawn along.
  const types = type.split(/[,+]/).map((one) => one.trim());
  if (types.includes(''))
    problems.push(`control.type: a control is missing in ${JSON.stringify(type)}`);
  if (types.length > CONTROLS_MAX) {
    problems.push(`control.type: ${types.length} controls are more than ${CONTROLS_MAX}`);
  }
  if (input !== undefined && types.length > 1) {
    problems.push('control.input: is for one control; of several each is taken from the source');
  }
  const each = <F>(field: 'scale' | 'start' | 'end', fallback: F): readonly (string | F)[] => {
    const value = values[field];
    if (value === undefined) return types.map(() => fallback);
    const given = String(value).split(',');
    if (given.length === types.length) return given;
    if (given.length > 1) {
      problems.push(
        `control.${field}: ${given.length} values for ${types.length} control${types.length === 1 ? '' : 's'}`,
      );
    }
    return types.map(() => given[0]!);
  };
  const [scales, starts, ends] = [each('scale', undefined), each('start', 0), each('end', 1)];
  return types.map((one, i) => ({
    ...{ type: one, low, high, input, scale: writtenScale(scales[i]) },
    ...{ start: Number(starts[i]), end: Number(ends[i]) },
  }));
}

/** The schema has checked the text. */
function writtenScale(scale: ControlInFull['scale']): WrittenCourse | undefined {
  if (typeof scale !== 'string') return scale;
  const parsed = parseCourse(scale);
  return typeof parsed === 'string' ? 1 : parsed;
}
