// Settings that some frames have of their own: what a task that sees these frames is told. A task all of whose frames are told the same is told it as
// one whose job knows nothing else, so that it is the same task. Pure.

import type { Prompt, Seed } from '../../common/stages.ts';
import type { FrameSpan, JobBase, PromptSpan } from './job-base.ts';
import { indicesOf } from './layout.ts';
import type { FrameRange } from './layout.ts';

type PromptsOfJob = Pick<JobBase, 'frames' | 'prompt' | 'videoPrompt' | 'prompts' | 'promptFade'>;

/** What the image model is told. */
export function promptOver(job: PromptsOfJob, frames: FrameRange): Prompt {
  return mixOver(job, frames, 'prompt');
}

/** What the video model is told. */
export function videoPromptOver(job: PromptsOfJob, frames: FrameRange): Prompt {
  return mixOver(job, frames, 'videoPrompt');
}

export function seedOver({ seed, seeds = [] }: JobBase, frames: FrameRange): Seed {
  const all = indicesOf(frames).map((frame) => spanAt(seeds, frame)?.seed ?? seed);
  return all.every((one) => one === all[0]) ? all[0]! : all;
}

function mixOver(job: PromptsOfJob, frames: FrameRange, field: 'prompt' | 'videoPrompt'): Prompt {
  const { prompts = [], promptFade = 0 } = job;
  const mixes = indicesOf(frames).map((frame) => {
    const at = prompts.findIndex((span) => holds(span, frame));
    if (at < 0) return new Map([[job[field], 1]]);
    const own = prompts[at]![field];
    const beside = neighbours(job, at);
    const { side, weight } = fadeAt(prompts[at]!, { frame, fade: promptFade, ...beside });
    const other = side === undefined ? own : (beside[side]?.[field] ?? job[field]);
    return other === own
      ? new Map([[own, 1]])
      : new Map([
          [other, rounded(1 - weight)],
          [own, weight],
        ]);
  });
  // In an order that does not depend on which frames a task has.
  const known = new Set([job[field], ...prompts.map((span) => span[field])]);
  const texts = [...known].filter((text) => mixes.some((mix) => mix.has(text)));
  if (texts.length === 1) return texts[0]!;
  return { texts, weights: mixes.map((mix) => texts.map((text) => mix.get(text) ?? 0)) };
}

interface Neighbours {
  /** The span that ends where it begins; null at the beginning of the clip; undefined where it is the rest. */
  readonly before: PromptSpan | null | undefined;
  /** The same of its end. */
  readonly after: PromptSpan | null | undefined;
}

function neighbours({ prompts = [], frames }: PromptsOfJob, at: number): Neighbours {
  const { first, last } = prompts[at]!;
  const [before, after] = [prompts[at - 1], prompts[at + 1]];
  return {
    before: first === 0 ? null : before?.last === first - 1 ? before : undefined,
    after: last === frames - 1 ? null : after?.first === last + 1 ? after : undefined,
  };
}

/**
 * The weight of a span's own prompt at one of its frames, and on which side it is mixed with another's. It comes in its first frames, and goes in its
 * last unless another span follows at once, in whose first frames that one comes. Where both ends would meet, each has half of it.
 */
function fadeAt(
  { first, last }: FrameSpan,
  { frame, fade, before, after }: Neighbours & { readonly frame: number; readonly fade: number },
): { readonly side?: 'before' | 'after'; readonly weight: number } {
  const comes = before !== null;
  const goes = after === undefined;
  const length = last - first + 1;
  const each = Math.min(fade, comes && goes ? Math.floor(length / 2) : length);
  const [fromFirst, toLast] = [frame - first + 1, last - frame + 1];
  if (comes && fromFirst <= each) {
    return { side: 'before', weight: rounded(fromFirst / (each + 1)) };
  }
  if (goes && toLast <= each) return { side: 'after', weight: rounded(toLast / (each + 1)) };
  return { weight: 1 };
}

function spanAt<S extends FrameSpan>(spans: readonly S[], frame: number): S | undefined {
  return spans.find((span) => holds(span, frame));
}

function holds({ first, last }: FrameSpan, frame: number): boolean {
  return frame >= first && frame <= last;
}

/** The same text on every machine. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
