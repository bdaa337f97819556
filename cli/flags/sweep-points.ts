// The values that a sweep tries: lists of numbers from flags, every combination once. Pure.

import { BivdiffError } from '../../common/errors.ts';
import { factsOfField } from './flag-facts.ts';

/** What one render of a sweep sets. */
export interface SweepPoint {
  readonly mixingRatio?: number;
  readonly videoGuidanceScale?: number;
}

/** As typed: numbers with commas between. */
export interface SweepLists {
  readonly mixingRatio: string | boolean | undefined;
  readonly videoGuidanceScale: string | boolean | undefined;
}

const POINTS_MAX = 100;

/**
 * Every combination of the lists, first list slowest, each value once.
 * @throws invalid-argument — no list, not numbers, out of range, or more than 100 renders
 */
export function sweepPoints(lists: SweepLists): readonly SweepPoint[] {
  const problems: string[] = [];
  const ratios = numbersOf('mixing-ratio', 'mixingRatio', lists.mixingRatio, problems);
  const scales = numbersOf(
    'video-guidance-scale',
    'videoGuidanceScale',
    lists.videoGuidanceScale,
    problems,
  );
  if (ratios === undefined && scales === undefined && problems.length === 0) {
    problems.push('--mixing-ratio is missing: the values to try, with commas between');
  }
  const points = (ratios ?? [undefined]).flatMap((mixingRatio) =>
    (scales ?? [undefined]).map((videoGuidanceScale) => ({
      ...(mixingRatio === undefined ? {} : { mixingRatio }),
      ...(videoGuidanceScale === undefined ? {} : { videoGuidanceScale }),
    })),
  );
  if (points.length > POINTS_MAX) {
    problems.push(`${points.length} renders are more than a sweep takes, ${POINTS_MAX}`);
  }
  if (problems.length === 0) return points;
  throw new BivdiffError('invalid-argument', problems.join('; '), {
    hint: 'Write them as in --mixing-ratio 0,0.25,0.5,0.75,1',
    details: { problems },
  });
}

/** `0.25`, `g7.5` or `0.25-g7.5`: the name of the video. */
export function pointName(point: SweepPoint): string {
  const { mixingRatio, videoGuidanceScale } = point;
  const parts = [
    ...(mixingRatio === undefined ? [] : [String(mixingRatio)]),
    ...(videoGuidanceScale === undefined ? [] : [`g${videoGuidanceScale}`]),
  ];
  return parts.join('-');
}

/** `mixing ratio 0.25, video guidance 7.5`: for people. */
export function pointLabel(point: SweepPoint): string {
  const { mixingRatio, videoGuidanceScale } = point;
  const parts = [
    ...(mixingRatio === undefined ? [] : [`mixing ratio ${mixingRatio}`]),
    ...(videoGuidanceScale === undefined ? [] : [`video guidance ${videoGuidanceScale}`]),
  ];
  return parts.join(', ');
}

function numbersOf(
  flag: string,
  field: string,
  text: string | boolean | undefined,
  problems: string[],
): readonly number[] | undefined {
  if (typeof text !== 'string') return undefined;
  const { min = 0, max = Infinity } = factsOfField(field) ?? {};
  const values: number[] = [];
  for (const part of text.split(',')) {
    const value = part.trim() === '' ? NaN : Number(part);
    if (!(value >= min && value <= max)) {
      problems.push(`--${flag}: expected numbers from ${min} to ${max}, got "${part}"`);
    } else if (!values.includes(value)) {
      values.push(value);
    }
  }
  return values;
}
