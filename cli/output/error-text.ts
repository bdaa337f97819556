// The one place where an error becomes text for a person, or JSON for a program: what went wrong, what to do, what was behind it.
// Prints nothing.

import type { BivdiffError, ErrorCode } from '../../common/errors.ts';

export interface ErrorTextOptions {
  /** Adds stacks. */
  readonly debug: boolean;
}

/** The error as lines for stderr: `error:`, then `hint:`, then causes that add something. Ends in a newline. */
export function errorText(error: BivdiffError, options: ErrorTextOptions): string {
  // A stop that was asked for is no error.
  const lines = [error.code === 'cancelled' ? messageOf(error) : `error: ${messageOf(error)}`];
  const hint = error.hint ?? hintByCode[error.code];
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  let said = error.message;
  if (error.code === 'cancelled' && !options.debug) return `${lines.join('\n')}\n`;
  for (const cause of causesOf(error)) {
    const text = cause instanceof Error ? firstLine(cause.message) : String(cause);
    if (text !== '' && !said.includes(text)) lines.push(`  because: ${text}`);
    said += ` ${text}`;
  }
  if (options.debug) {
    for (const one of [error, ...causesOf(error)]) {
      if (one instanceof Error && one.stack !== undefined) lines.push(one.stack);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The error as the object that `--json` prints. */
export function errorJson(error: BivdiffError): { readonly error: object } {
  const { code, message, retry, details } = error;
  const causes = causesOf(error).map((cause) =>
    cause instanceof Error ? firstLine(cause.message) : String(cause),
  );
  const hint = error.hint ?? hintByCode[error.code];
  return {
    error: {
      code,
      message,
      retry,
      details,
      ...(hint === undefined ? {} : { hint }),
      ...(causes.length === 0 ? {} : { causes }),
    },
  };
}

const hintByCode: Readonly<Partial<Record<ErrorCode, string>>> = {
  internal: 'This is a defect, here or in a library; BIVDIFF_DEBUG=1 shows where it happened.',
  'resource-exhausted':
    'Make room (bivdiff store gc, another --store), then run the same command again: what is done is kept.',
  'data-loss':
    'Run the same command again: what was lost is made anew. bivdiff store verify checks the rest.',
};

/** Several problems stand one to a line. */
function messageOf(error: BivdiffError): string {
  const problems = error.details['problems'];
  if (!isTexts(problems) || problems.length < 2) return error.message;
  const texts = problems;
  const joined = texts.join('; ');
  const lead = error.message.endsWith(joined)
    ? error.message.slice(0, -joined.length).replace(/:?\s*$/, '')
    : error.message;
  const title = lead === '' ? `${problems.length} problems` : lead;
  return `${title}:${texts.map((text) => `\n  - ${text}`).join('')}`;
}

/** Whether an error's `problems` are lines to print. */
export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function causesOf(error: Error): unknown[] {
  const causes: unknown[] = [];
  let { cause } = error;
  // A cycle of causes is a defect elsewhere, and no reason to hang here.
  while (cause !== undefined && causes.length < 8) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
