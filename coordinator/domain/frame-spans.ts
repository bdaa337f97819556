// Which frames a spec means by its spans: of the clip that it asks for, or of the one that the source allows. Pure.

import { contentsOf, restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { FrameSpan, JobBase, PromptSpan } from '../../recipes/pipeline/job-base.ts';
import { spanOf } from '../../recipes/spec/frame-spans.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { framesFrom } from './check-sources.ts';

/** A fade that is seen as one, and leaves most of a short span alone. */
const FADE_DEFAULT = 4;

/** The spec with as many frames as its clip has, also where it asks for a part of all that the source allows. */
export function withFrames<S extends Pick<RenderSpec, 'frames' | 'part' | 'input'>>(
  spec: S,
  source: { readonly frames: number },
): S {
  if (spec.part?.of !== 'source') return spec;
  // A start past the end is told of as such.
  return { ...spec, frames: Math.max(1, framesFrom(spec.input, source.frames)) };
}

/** `spec` is of `withFrames`. Problems are added as `field: what`. */
export function frameSpansOf(
  spec: RenderSpec,
  problems: ProblemSink,
): Pick<JobBase, 'part' | 'prompts' | 'promptFade' | 'seeds'> {
  const { frames, part, seeds: askedSeeds } = spec;
  const span = part && { first: part.first, last: part.last };
  const clip = { frames, inFrames: restingOn(problems, ...framesRestOn(spec)) };
  if (span !== undefined) checkSpans('frames', [span], { ...clip, problems });
  const seeds = askedSeeds?.map(({ frames: text, seed }) => ({ ...spanOf(text), seed }));
  if (seeds !== undefined) checkSpans('seeds', seeds, { ...clip, problems });
  const isPart = span !== undefined && (span.first > 0 || span.last < frames - 1);
  return {
    ...(isPart && { part: span }),
    ...promptsOf(spec, problems),
    ...(seeds && { seeds: inOrder(seeds) }),
  };
}

/** The fields that say how many frames a clip has. */
export function framesRestOn({ part }: Pick<RenderSpec, 'part'>): readonly string[] {
  const own = ['frames', 'part'];
  return part?.of === 'source'
    ? [...own, contentsOf('input.path'), 'input.start', 'input.stride']
    : own;
}

function promptsOf(
  spec: RenderSpec,
  problems: ProblemSink,
): Pick<JobBase, 'prompts' | 'promptFade'> {
  if (!('prompts' in spec) && !('promptFade' in spec)) return {};
  const { prompts: asked, promptFade = FADE_DEFAULT, frames } = spec;
  if (asked === undefined) {
    restingOn(problems, 'prompts').push(
      'promptFade: is for prompts of some frames (--prompt-at), and there are none',
    );
    return {};
  }
  const prompts = asked.map(({ frames: text, prompt, videoPrompt }): PromptSpan => {
    // A video prompt of the whole clip stays in it.
    const ofClip = spec.videoPrompt === '' ? undefined : spec.videoPrompt;
    return { ...spanOf(text), prompt, videoPrompt: videoPrompt ?? ofClip ?? prompt };
  });
  const inFrames = restingOn(problems, ...framesRestOn(spec));
  checkSpans('prompts', prompts, { frames, problems, inFrames });
  return { prompts: inOrder(prompts), ...(promptFade > 0 && { promptFade }) };
}

interface SpanChecks {
  readonly frames: number;
  readonly problems: ProblemSink;
  /** Takes what rests on how many frames there are. */
  readonly inFrames: ProblemSink;
}

function checkSpans(
  field: string,
  spans: readonly FrameSpan[],
  { frames, problems, inFrames }: SpanChecks,
): void {
  for (const { first, last } of spans) {
    if (last < first) problems.push(`${field}: frames ${first}-${last} end before they begin`);
    else if (last >= frames) {
      inFrames.push(`${field}: there is no frame ${last}; the last of ${frames} is ${frames - 1}`);
    }
  }
  const ordered = inOrder(spans);
  for (const [i, span] of ordered.entries()) {
    const before = ordered[i - 1];
    if (before === undefined || span.first > before.last) continue;
    problems.push(`${field}: frames ${textOf(before)} and ${textOf(span)} overlap`);
  }
}

function inOrder<S extends FrameSpan>(spans: readonly S[]): readonly S[] {
  return spans.toSorted((a, b) => a.first - b.first);
}

function textOf({ first, last }: FrameSpan): string {
  return first === last ? String(first) : `${first}-${last}`;
}
