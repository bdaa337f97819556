// Gives a request to the farm, and tells what does not fit in the user's own words: the flag that was typed.

import { BivdiffError } from '../../common/errors.ts';
import type { Accepted, Farm } from '../farm.ts';
import { createFrameProgress } from '../output/frame-progress.ts';
import type { FrameProgress } from '../output/frame-progress.ts';
import type { CliEnvironment } from '../terminal.ts';
import { isTexts } from '../output/error-text.ts';
import { whereFrom } from './render-request.ts';
import { renderWarnings } from './render-warnings.ts';
import type { RenderRequest } from './render-request.ts';

export interface AcceptRequestOptions {
  readonly signal: AbortSignal;
  /** Told what may not be expected of the render. @default nobody is */
  readonly onWarning?: (text: string) => void;
  /** Shown, where it takes long, how far the source is looked at. @default it is not */
  readonly progress?: Pick<CliEnvironment, 'stderr' | 'clock'> | undefined;
}

/** @throws BivdiffError — as Farm.accept */
export async function acceptRequest(
  farm: Farm,
  request: RenderRequest,
  { signal, onWarning, progress }: AcceptRequestOptions,
): Promise<Accepted> {
  let search: FrameProgress | undefined;
  const onCutSearch = (done: number, total: number): void => {
    if (progress === undefined) return;
    const { stderr: terminal, clock } = progress;
    search ??= createFrameProgress({ terminal, clock, total, what: 'looking for cuts: ' });
    search.update(done);
  };
  try {
    const accepted = await farm.accept(request.spec, { signal, onCutSearch });
    search?.end();
    if (onWarning !== undefined) {
      nameProblems(await renderWarnings(accepted.job, accepted.models), request).forEach(onWarning);
    }
    return accepted;
  } catch (reason) {
    search?.end();
    throw inOwnWords(reason, request);
  }
}

/** A refusal of a request, wherever it was refused, in the words of whoever made it. */
export function inOwnWords(reason: unknown, request: RenderRequest): BivdiffError {
  const error = BivdiffError.from(reason);
  const { problems } = error.details;
  // Those of a model folder are no texts, and no flag's.
  if (!isTexts(problems)) return error;
  const named = nameProblems(problems, request);
  return new BivdiffError(error.code, whereFrom(named, request.file) + named.join('; '), {
    retry: error.retry,
    details: { ...error.details, problems: named },
    cause: error.cause,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

type Names = Pick<RenderRequest, 'nameOf'>;

/** Problems that name fields of the spec, each called as it was given. */
export function nameProblems(problems: readonly string[], request: Names): readonly string[] {
  return problems.map((problem) => nameProblem(problem, request));
}

/** `field: what` with the field called as it was given. */
function nameProblem(problem: string, { nameOf }: Names): string {
  const split = /^([a-zA-Z.]+): ([^]*)$/.exec(problem);
  if (split === null) return problem;
  const [, field = '', what = ''] = split;
  return `${nameOf(field)}: ${what}`;
}
