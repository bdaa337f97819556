// What a sweep tries: lists of values from flags, every combination once. Pure.

import { BivdiffError } from '../../common/errors.ts';
import { camelCase } from './find-flag.ts';
import { RENDER_FLAGS } from './flag-table.ts';
import type { TypedFlags } from './render-flags.ts';

interface Axis {
  readonly flag: string;
  /** For people. */
  readonly label: string;
  /** Before its values in the names of files. */
  readonly short: string;
  /** One value is a list of one: so it was before others could be swept. */
  readonly isAlways?: true;
}

/** In the order in which they vary, the first slowest. */
export const SWEPT: readonly Axis[] = [
  { flag: 'mixing-ratio', label: 'mixing ratio', short: '', isAlways: true },
  { flag: 'bridging', label: 'bridging', short: '' },
  { flag: 'strength', label: 'strength', short: 's' },
  { flag: 'video-model', label: 'video model', short: '' },
  { flag: 'inversion', label: 'inversion', short: '' },
  { flag: 'guidance-scale', label: 'guidance', short: 'i' },
  { flag: 'image-guidance-scale', label: 'image guidance', short: 'e' },
  { flag: 'shared-noise', label: 'shared noise', short: 'n' },
  { flag: 'video-guidance-scale', label: 'video guidance', short: 'g', isAlways: true },
];

/** What one render of a sweep sets, as typed, by axis. */
export type SweepPoint = readonly { readonly axis: Axis; readonly value: string }[];

const POINTS_MAX = 100;
const LISTS_MAX = 2;

/**
 * Every combination of the lists, each value once. Whether values are right tells whoever takes the flags.
 * @throws invalid-argument — no list, a value is missing, more than two lists, or more than 100 renders
 */
export function sweepPoints(typed: TypedFlags): readonly SweepPoint[] {
  const problems: string[] = [];
  const lists = SWEPT.flatMap((axis) => {
    const text = typed[camelCase(axis.flag)];
    const isList = typeof text === 'string' && (axis.isAlways === true || text.includes(','));
    return isList ? [valuesOf(axis, text, problems)] : [];
  });
  const flags = SWEPT.map(({ flag }) => `--${flag}`).join(', ');
  if (lists.length === 0) {
    problems.push(`nothing is swept: give one or two of ${flags} the values to try`);
  }
  const long = lists.filter((list) => list.length > 1).map((list) => `--${list[0]!.axis.flag}`);
  if (long.length > LISTS_MAX) {
    problems.push(`${long.join(', ')}: at most two at once, for a contact sheet that can be read`);
  }
  const points = lists.reduce<readonly SweepPoint[]>(
    (before, list) => before.flatMap((point) => list.map((one) => [...point, one])),
    [[]],
  );
  if (points.length > POINTS_MAX) {
    problems.push(`${points.length} renders are more than a sweep takes, ${POINTS_MAX}`);
  }
  if (problems.length === 0) return points;
  throw new BivdiffError('invalid-argument', problems.join('; '), {
    hint: 'Write them with commas between, as in --mixing-ratio 0,0.25,0.5,0.75,1',
    details: { problems },
  });
}

/** The flags of one render. */
export function flagsOfPoint(point: SweepPoint, typed: TypedFlags): TypedFlags {
  const values = point.map(({ axis, value }) => [camelCase(axis.flag), value] as const);
  return { ...typed, ...Object.fromEntries(values) };
}

/** The flags that a sweep does not vary. */
export function withoutSwept(typed: TypedFlags): TypedFlags {
  const swept = SWEPT.map(({ flag }) => camelCase(flag));
  return Object.fromEntries(Object.entries(typed).filter(([name]) => !swept.includes(name)));
}

/** `0.25`, `g7.5`, `none-s0.6`: the name of the video. */
export function pointName(point: SweepPoint): string {
  return point.map(({ axis, value }) => `${axis.short}${value}`).join('-');
}

/** `mixing ratio 0.25, video guidance 7.5`: for people. */
export function pointLabel(point: SweepPoint): string {
  return point.map(({ axis, value }) => `${axis.label} ${value}`).join(', ');
}

/** Two settings with several values each, as a grid: names, values, and the index of each pair's point, row by row. */
export interface PointGrid {
  readonly rows: { readonly name: string; readonly values: readonly string[] };
  readonly columns: { readonly name: string; readonly values: readonly string[] };
  readonly points: readonly (readonly number[])[];
}

/** What was swept: of each setting with more than one value its name and values. */
export function sweptAxes(
  points: readonly SweepPoint[],
): readonly { readonly name: string; readonly values: readonly string[] }[] {
  const first = points[0] ?? [];
  return first
    .map(({ axis }, n) => ({
      name: axis.label,
      values: [...new Set(points.map((point) => point[n]!.value))],
    }))
    .filter(({ values }) => values.length > 1);
}

/** The fields of the spec that any of them sets. */
export function sweptFields(points: readonly SweepPoint[]): readonly string[] {
  const flags = new Set(points.flatMap((point) => point.map(({ axis }) => axis.flag)));
  return fieldsOf(flags);
}

function fieldsOf(flags: ReadonlySet<string>): readonly string[] {
  return RENDER_FLAGS.flatMap(({ name, field }) =>
    flags.has(name) && field !== undefined ? [field] : [],
  );
}

/** The fields of the spec that any sweep may set. */
export const SWEPT_FIELDS = fieldsOf(new Set(SWEPT.map(({ flag }) => flag)));

/** Undefined where not exactly two settings have several values. */
export function pointGrid(points: readonly SweepPoint[]): PointGrid | undefined {
  const [rows, columns, ...others] = sweptAxes(points);
  if (rows === undefined || columns === undefined || others.length > 0) return undefined;
  const width = columns.values.length;
  // The first setting varies slowest.
  const line = (row: number): number[] => columns.values.map((_, column) => row * width + column);
  return { rows, columns, points: rows.values.map((_, row) => line(row)) };
}

/** For JSON: numbers as numbers. */
export function pointFields(point: SweepPoint): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    point.map(({ axis, value }) => [camelCase(axis.flag), isNumber(axis) ? Number(value) : value]),
  );
}

function valuesOf(axis: Axis, text: string, problems: string[]): SweepPoint {
  const values: string[] = [];
  for (const part of text.split(',')) {
    const typed = part.trim();
    // 0.50 is 0.5; what is no number is told as typed.
    const number = Number(typed);
    const value = isNumber(axis) && Number.isFinite(number) ? String(number) : typed;
    if (typed === '') problems.push(`--${axis.flag}: a value is missing in "${text}"`);
    else if (!values.includes(value)) values.push(value);
  }
  return values.map((value) => ({ axis, value }));
}

function isNumber({ flag }: Axis): boolean {
  return RENDER_FLAGS.some(({ name, kind }) => name === flag && kind === 'number');
}
