// What is wrong with a request, thing by thing, until all of it is told in one error.

import { BivdiffError } from '../../common/errors.ts';
import { exitCodeOf, EXIT_USAGE } from '../output/exit-codes.ts';
import { isTexts } from '../output/error-text.ts';

export interface RequestProblem {
  /** What and where, and what to do: one line. */
  readonly text: string;
  /** What the user is shown where nothing else is wrong. @default the text */
  readonly error?: BivdiffError;
}

export interface RefusalOptions {
  /** Before all of them: the file that they are in. @default none */
  readonly lead?: string;
  readonly hint?: string | undefined;
}

export function problemsOfTexts(texts: readonly string[]): readonly RequestProblem[] {
  return texts.map((text) => ({ text }));
}

/**
 * What a failure says, where the same request fails again. `field` is the one that it is about.
 * @throws anything else: it says nothing of the request
 */
export function problemsOfError(reason: unknown, field?: string): readonly RequestProblem[] {
  const error = BivdiffError.from(reason);
  if (exitCodeOf(error) !== EXIT_USAGE) throw error;
  const { problems } = error.details;
  if (isTexts(problems) && problems.length > 0) return problems.map((text) => ({ text, error }));
  const place = field === undefined ? '' : `${field}: `;
  return [{ text: place + withHint(firstLine(error.message), error.hint), error }];
}

/** What `look` gives; or, of a failure of the request, undefined and its problems. @throws as `problemsOfError` */
export async function lookedAt<T>(
  look: () => T | Promise<T>,
  problems: RequestProblem[],
  field?: string,
): Promise<T | undefined> {
  try {
    return await look();
  } catch (reason) {
    problems.push(...problemsOfError(reason, field));
    return undefined;
  }
}

/** The one error that tells all of them, each once. There are some. */
export function refusalOf(
  problems: readonly RequestProblem[],
  { lead = '', hint }: RefusalOptions = {},
): BivdiffError {
  const error = problems[0]?.error;
  if (error !== undefined && problems.every((one) => one.error === error)) return error;
  const texts = [...new Set(problems.map(({ text }) => text))];
  return new BivdiffError('invalid-argument', lead + texts.join('; '), {
    ...(hint === undefined ? {} : { hint }),
    details: { problems: texts },
  });
}

function withHint(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message.replace(/\.+$/, '')}. ${hint}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
