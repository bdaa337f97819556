// Whether the sources of a render have what it takes of them: enough frames, and all one size. Pure.

import { contentsOf, restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { Digest } from '../../common/task.ts';
import type { FurtherSource, JobBase } from '../../recipes/pipeline/job-base.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

/** What is known of the source once it has been looked at. */
export interface SourceFacts extends StoredSource {
  /** As the user named it, for errors. */
  readonly path: string;
  readonly frames: number;
  /** As its frames are shown. */
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  /** Its frames with which another shot begins, rising; only where they were looked for, and between the frames that are rendered. */
  readonly cuts?: readonly number[];
  /** Absent where it has none. */
  readonly sound?: SourceSound | undefined;
}

/** A source that was looked at and is not in the store yet. */
export type SeenSource = Omit<SourceFacts, 'kind' | 'digest'>;

const UNNAMED = { kind: 'video', digest: '0'.repeat(64) as Digest } as const;

/** For what asks no more than whether a render would be accepted: the job has the ids of no job. */
export function unnamedSource(seen: SeenSource): SourceFacts {
  return { ...seen, ...UNNAMED };
}

/** As `SoundFacts` of the media processes. */
export interface SourceSound {
  readonly codec: string;
  readonly firstFrameSeconds: number;
  readonly steadyRate?: number;
}

interface SourcesRequest {
  readonly spec: RenderSpec;
  readonly source: SourceFacts;
  readonly sources?: Readonly<Record<string, SourceFacts>>;
}

/** The further sources as the job has them. Frames are taken of each as of the source, and lie over its own: so they have one size. */
export function furtherOf(
  { spec, source, sources = {} }: SourcesRequest,
  problems: ProblemSink,
): NonNullable<JobBase['sources']> {
  const found: Record<string, FurtherSource> = {};
  for (const { name, field } of furtherSources(spec)) {
    const facts = sources[name];
    // It could not be read, which is told elsewhere.
    if (facts === undefined) continue;
    const { kind, digest, path, frames, width, height } = facts;
    if (width !== source.width || height !== source.height) {
      restingOn(problems, contentsOf(field), contentsOf('input.path')).push(
        `${field}: ${path} is ${width}x${height}, and ${source.path} ${source.width}x${source.height}; they lie over one another, so their sizes have to be equal`,
      );
    }
    const isStill = frames === 1;
    const choice = { ...spec.input, frames: spec.frames };
    const problem = isStill ? undefined : choiceProblem(choice, facts, 'rendered');
    if (problem !== undefined) {
      const ownChoice = restingOn(problems, contentsOf(field), ...CHOICE);
      ownChoice.push(problem.replace(/^[a-zA-Z.]+/, field));
    }
    found[name] = { kind, digest, ...(isStill && { isStill }) };
  }
  return found;
}

/** The fields that say which frames of a source are taken. */
export const CHOICE = ['frames', 'part', 'input.start', 'input.stride'] as const;

/** Which frames of a source are taken. */
export interface FrameChoice {
  readonly frames: number;
  readonly start: number;
  readonly stride: number;
}

/** How many frames there are at most from `start` on. */
export function framesFrom(
  { start, stride }: Pick<FrameChoice, 'start' | 'stride'>,
  total: number,
): number {
  return Math.max(0, Math.floor((total - 1 - start) / stride) + 1);
}

/** Why a source has not the frames that are asked for, as `field: what`; undefined if it has. */
export function choiceProblem(
  { frames, start, stride }: FrameChoice,
  source: Pick<SourceFacts, 'path' | 'frames'>,
  done: 'rendered' | 'taken',
): string | undefined {
  const last = source.frames - 1;
  const needed = start + (frames - 1) * stride + 1;
  if (source.frames >= needed) return undefined;
  const having = `${source.path} has ${source.frames} frame${source.frames === 1 ? '' : 's'}`;
  if (start > last) return `input.start: ${having}, 0 to ${last}, and ${start} is none of them`;
  const widest = Math.floor((last - start) / (frames - 1));
  const latest = last - (frames - 1) * stride;
  const others = [
    ...(widest < 1 ? [] : [widest === 1 ? 'stride 1' : `a stride of up to ${widest}`]),
    ...(latest < 0 ? [] : [latest === 0 ? 'start 0' : `a start of up to ${latest}`]),
  ];
  const remedy = others.length === 0 ? '' : `; all ${frames} with ${others.join(', or ')}`;
  const most = framesFrom({ start, stride }, source.frames);
  return (
    `frames: ${having}, but ${needed} are needed for ${frames} frames ` +
    `from ${start} with stride ${stride}; at most ${most} can be ${done} so${remedy}`
  );
}
