// Whether a clip can have its source's sound, and which part of it: packets are copied as they are, so frames have to come as the source has
// them. Pure; told before anything runs, by the field of the spec that would have to be another.

import { frameRateOf, isSameRate, timeOfFrame } from '../../common/outputs/frame-rate.ts';
import { isSequence } from '../../common/outputs/output-formats.ts';
import type { OutputFormat } from '../../common/outputs/output-formats.ts';
import { carriesSound, formatsWithSound } from '../../common/outputs/sound-codecs.ts';
import { contentsOf, restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { AssembleParams } from '../../common/stages.ts';
import type { SourceFacts } from './check-sources.ts';

export interface SoundRequest {
  readonly source: Pick<SourceFacts, 'path' | 'sound'>;
  /** The source's frame that is shown first. */
  readonly start: number;
  readonly stride: number;
  readonly format: OutputFormat;
  readonly framesPerSecond: number;
}

/** Adds every reason why its sound cannot go with these frames, as `field: what and what to do`. */
export function checkSound(request: SoundRequest, sink: ProblemSink): void {
  const problems = restingOn(sink, 'output.audio');
  const ofSource = restingOn(problems, contentsOf('input.path'));
  const { source, stride, format, framesPerSecond } = request;
  const { path, sound } = source;
  if (sound === undefined) ofSource.push(`output.audio: ${path} has no sound that could be kept`);
  if (stride !== 1) {
    const why = 'sound is kept only beside every frame of the source';
    problems.push(`input.stride: ${stride}, and ${why}; choose 1, or no sound`);
  }
  problems.push(...formatProblems(format, sound?.codec, path));
  const rate = sound?.steadyRate;
  if (sound !== undefined && rate === undefined) {
    const why = 'its frames come at no steady rate, so that sound would not stay with them';
    ofSource.push(`output.audio: the sound of ${path} cannot be kept: ${why}`);
  }
  if (rate !== undefined && !isSameRate(rate, framesPerSecond)) {
    const why = `sound is kept only at the source's own rate`;
    ofSource.push(`output.framesPerSecond: ${framesPerSecond}, and ${why}; choose ${rate}`);
  }
}

function formatProblems(format: OutputFormat, codec: string | undefined, path: string): string[] {
  const isSilent = isSequence(format) || format === 'gif';
  if (isSilent) {
    const known = formatsWithSound(codec);
    const others = known.length === 0 ? formatsWithSound() : known;
    return [`output.format: ${format} has no place for sound; choose ${others.join(', ')}`];
  }
  if (codec === undefined || carriesSound(format, codec)) return [];
  const others = formatsWithSound(codec);
  if (others.length === 0) {
    return [`output.audio: no format carries the sound of ${path} as it is (codec ${codec})`];
  }
  const what = `${format} cannot carry the sound of ${path} as it is (codec ${codec})`;
  return [`output.format: ${what}; choose ${others.join(', ')}`];
}

/** What assembling is told of it; of a request that has no problems. */
export function soundOf({
  source: { sound },
  start,
  framesPerSecond,
}: SoundRequest): NonNullable<AssembleParams['sound']> {
  const first = Math.round((sound?.firstFrameSeconds ?? 0) * MICRO);
  return { fromSeconds: (first + timeOfFrame(start, frameRateOf(framesPerSecond), MICRO)) / MICRO };
}

/** Finer than any clock of sound. */
const MICRO = 1_000_000;
