// Whether a submitted spec keeps to the farm's limits. All problems at once, in the words of the spec.

import { BivdiffError } from '../../common/errors.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { wantedFrames } from '../../recipes/pipeline/job-base.ts';
import type { FrameSpan } from '../../recipes/pipeline/job-base.ts';

/** What of a spec, or of the job made of it, is bounded. */
export interface BoundedSpec {
  readonly frames: number;
  /** What of them is wanted; all, if it is absent. */
  readonly part?: FrameSpan | undefined;
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  readonly prompt: string;
  readonly negativePrompt?: string | undefined;
  readonly videoPrompt?: string | undefined;
  readonly prompts?:
    readonly { readonly prompt: string; readonly videoPrompt?: string | undefined }[] | undefined;
}

/** @throws resource-exhausted — what is over which limit */
export function checkSpecLimits(spec: BoundedSpec, limits: FarmLimits, specBytes = 0): void {
  const problems = limitProblems(spec, limits, specBytes);
  if (problems.length === 0) return;
  throw new BivdiffError('resource-exhausted', problems.join('; '), {
    retry: 'never',
    hint: 'Ask for less at once, or ask whoever operates the farm for a higher limit.',
    details: { problems },
  });
}

/** What is over which limit, as `field: what`. */
export function limitProblems(spec: BoundedSpec, limits: FarmLimits, specBytes = 0): string[] {
  const { size, prompts = [] } = spec;
  const { count: frames } = wantedFrames(spec);
  const problems: string[] = [];
  const check = (what: string, value: number, max: number): void => {
    if (value > max) problems.push(`${what}: ${value}, and this farm takes ${max} at most`);
  };
  check('the spec: bytes', specBytes, limits.specBytes);
  check('frames', frames, limits.frames);
  // The models' own size, where the spec has none, is known later: then this is called again.
  if (size !== undefined) {
    check('size: pixels of all frames', size.width * size.height * frames, limits.pixels);
  }
  for (const field of ['prompt', 'negativePrompt', 'videoPrompt'] as const) {
    check(`${field}: characters`, spec[field]?.length ?? 0, limits.promptCharacters);
  }
  for (const text of prompts.flatMap(({ prompt, videoPrompt = '' }) => [prompt, videoPrompt])) {
    check('prompts: characters', text.length, limits.promptCharacters);
  }
  return problems;
}
