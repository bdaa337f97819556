// Where a clip is cut: as its spec lists it, or as was found in its source. Pure.

import { restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { choiceProblem } from './check-sources.ts';
import type { SourceFacts } from './check-sources.ts';
import { framesRestOn, withFrames } from './frame-spans.ts';

/** An image model inverts a window, and its bits are promised for two frames and more. */
const SHOT_FRAMES_MIN = 2;
/** Of one kind of problem. */
const TOLD_MAX = 5;

type Clip = Pick<RenderSpec, 'frames' | 'part' | 'input' | 'cuts'>;

/** Source frames, both ends among them, between which cuts are to be looked for; undefined where they are not, or the source is too short. */
export function cutSearchOf(
  spec: Clip,
  source: Pick<SourceFacts, 'path' | 'frames'>,
): { readonly first: number; readonly last: number } | undefined {
  if (spec.cuts !== 'auto') return undefined;
  const { frames, input } = withFrames(spec, source);
  if (choiceProblem({ ...input, frames }, source, 'rendered') !== undefined) return undefined;
  return { first: input.start, last: input.start + (frames - 1) * input.stride };
}

/**
 * First frames of the shots after the first one, as a job has them; undefined where there is but one shot. `spec` is of `withFrames`. Problems are
 * added as `field: what`.
 */
export function jobCutsOf(
  { cuts, frames, input, part }: Omit<Clip, 'part'> & Partial<Pick<Clip, 'part'>>,
  source: Pick<SourceFacts, 'cuts'>,
  problems: ProblemSink,
): readonly number[] | undefined {
  if (cuts === undefined || cuts === 'none') return undefined;
  const inFrames = restingOn(problems, ...framesRestOn({ part }));
  const isWrong = cuts !== 'auto' && tellWrongCuts(cuts, frames, { problems, inFrames });
  const found = cuts === 'auto' ? renderedCuts(source.cuts, { ...input, frames }) : listed(cuts);
  return isWrong || found.length === 0 ? undefined : found;
}

/** The first shot begins at 0, which may be said. */
function listed(cuts: readonly number[]): readonly number[] {
  return cuts[0] === 0 ? cuts.slice(1) : cuts;
}

interface Taken {
  readonly frames: number;
  readonly start: number;
  readonly stride: number;
}

/** A source's cuts in frames as they are rendered. Where a shot has a single one of them, it goes with the shot after it, at the end with the one before. */
function renderedCuts(
  found: readonly number[] | undefined,
  { frames, start, stride }: Taken,
): readonly number[] {
  // Of a source that is too short something else is told.
  const cuts: number[] = [];
  for (const cut of found ?? []) {
    const frame = Math.ceil((cut - start) / stride);
    if (frame - (cuts.at(-1) ?? 0) >= SHOT_FRAMES_MIN) cuts.push(frame);
  }
  return frames - (cuts.at(-1) ?? 0) < SHOT_FRAMES_MIN ? cuts.slice(0, -1) : cuts;
}

/** `inFrames` takes what rests on how many there are. */
function tellWrongCuts(
  cuts: readonly number[],
  frames: number,
  { problems, inFrames }: { readonly problems: ProblemSink; readonly inFrames: ProblemSink },
): boolean {
  const last = frames - 1;
  const outside = cuts.filter((cut) => cut > last);
  const falling = cuts.flatMap((cut, i) => (i > 0 && cut <= cuts[i - 1]! ? [i] : []));
  const short = [...listed(cuts), frames].flatMap((end, i) => {
    const start = listed(cuts)[i - 1] ?? 0;
    return end <= frames && end - start > 0 && end - start < SHOT_FRAMES_MIN ? [start] : [];
  });
  inFrames.push(
    ...told(outside, (cut) => `there is no frame ${cut}; the last of ${frames} is ${last}`),
  );
  problems.push(
    ...told(falling, (i) => `${cuts[i]} comes after ${cuts[i - 1]}; first frames of shots rise`),
  );
  inFrames.push(
    ...told(short, (start) => `the shot at frame ${start} has one frame, and two are the least`),
  );
  return outside.length + falling.length + short.length > 0;
}

function told(all: readonly number[], words: (one: number) => string): string[] {
  const some = all.slice(0, TOLD_MAX).map(words);
  const more = all.length > TOLD_MAX ? [`and ${all.length - TOLD_MAX} more like it`] : [];
  return [...some, ...more].map((problem) => `cuts: ${problem}`);
}
