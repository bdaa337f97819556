// What shows of the renders of a batch before any of them runs: line by line, but what all lines have from the flags once.

import type { BatchDraft } from './batch-file.ts';
import { at, placeInBatch } from './batch-file.ts';
import { problemsOfDraft } from './check-drafts.ts';
import type { LookOptions } from './check-drafts.ts';
import type { RequestDraft } from './render-request.ts';
import type { RequestProblem } from './request-problems.ts';

export interface SeenLines {
  /** Of which nothing is wrong as far as that shows. */
  readonly whole: readonly RequestDraft[];
  /** Each with its place; those of the drafts themselves are among the batch's. */
  readonly problems: readonly RequestProblem[];
}

/** @throws what is not wrong with the requests */
export async function lookAtLines(
  path: string,
  { drafts, flags }: BatchDraft,
  options: LookOptions,
): Promise<SeenLines> {
  const whole: RequestDraft[] = [];
  const lines: { readonly place: string; readonly found: readonly RequestProblem[] }[] = [];
  for (const draft of drafts) {
    const found = await problemsOfDraft({ ...draft, problems: [] }, options);
    lines.push({ place: placeInBatch(draft.request, path), found });
    if (draft.unknown.length + draft.problems.length + found.length === 0) whole.push(draft);
  }
  if (lines.every(({ found }) => found.length === 0)) return { whole, problems: [] };
  const alone = await problemsOfDraft({ ...flags, problems: [] }, options);
  const ofFlags = new Set(alone.map(({ text }) => text));
  // Where every line says otherwise, a flag's value is nobody's.
  const shared = alone.filter(({ text }) =>
    lines.some(({ found }) => found.some((one) => one.text === text)),
  );
  const ofLines = lines.flatMap(({ place, found }) =>
    at(
      place,
      found.filter(({ text }) => !ofFlags.has(text)),
    ),
  );
  return { whole, problems: [...at('the flags', shared), ...ofLines] };
}
