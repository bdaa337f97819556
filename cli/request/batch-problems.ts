// What shows of the renders of a batch before any of them runs: line by line, but what all lines have from the flags once.

import type { BatchDraft } from './batch-file.ts';
import { at, placeInBatch } from './batch-file.ts';
import { problemsOfDraft } from './check-drafts.ts';
import type { LookOptions } from './check-drafts.ts';
import type { RequestDraft } from './render-request.ts';
import type { RequestProblem } from './request-problems.ts';

/** What is wrong with one line. */
export interface LineProblems {
  readonly place: string;
  readonly found: readonly RequestProblem[];
}

export interface SeenLines {
  /** Of which nothing is wrong as far as that shows. */
  readonly whole: readonly RequestDraft[];
  /** Of each line; those of the drafts themselves are among the batch's. */
  readonly lines: readonly LineProblems[];
}

/** @throws what is not wrong with the requests */
export async function lookAtLines(
  path: string,
  { drafts }: BatchDraft,
  options: LookOptions,
): Promise<SeenLines> {
  const whole: RequestDraft[] = [];
  const lines: LineProblems[] = [];
  for (const draft of drafts) {
    const found = await problemsOfDraft({ ...draft, problems: [] }, options);
    lines.push({ place: placeInBatch(draft.request, path), found });
    if (draft.unknown.length + draft.problems.length + found.length === 0) whole.push(draft);
  }
  return { whole, lines };
}

/** All of them with their places: what lines have from the flags is told once, as theirs. */
export async function placedProblems(
  lines: readonly LineProblems[],
  { flags }: BatchDraft,
  options: LookOptions,
): Promise<readonly RequestProblem[]> {
  const texts = new Set(lines.flatMap(({ found }) => found.map(({ text }) => text)));
  if (texts.size === 0) return [];
  const alone = await problemsOfDraft({ ...flags, problems: [] }, options);
  // Where every line says otherwise, a flag's value is nobody's.
  const shared = alone.filter(({ text }) => texts.has(text));
  const isShared = new Set(shared.map(({ text }) => text));
  const own = lines.flatMap(({ place, found }) =>
    at(
      place,
      found.filter(({ text }) => !isShared.has(text)),
    ),
  );
  return [...at('the flags', shared), ...own];
}
