// What errors call a source. A worker has a copy of it and does not know what its user calls it; who does know puts that name in. Pure.

import path from 'node:path';

import { BivdiffError } from '../errors.ts';

/** The name of a worker's copy, so that whatever is said of this file reads well: "the source is damaged". */
export const SOURCE_NAME = 'the source';

/** A whole path to a worker's copy, or only its name. */
const COPY = new RegExp(String.raw`(?:[^\s'"]*[/\\])?${SOURCE_NAME}(?![\w-])`, 'g');

/** The error and its causes, with the user's name for the source in place of a worker's. `name`: as the user gave it, a path or not. */
export function nameSource(error: BivdiffError, name: string): BivdiffError {
  const own = path.basename(name) || name;
  const put = (text: string): string => text.replace(COPY, own);
  const { code, retry, hint, details, cause } = error;
  const isCopy = typeof details['path'] === 'string' && details['path'].includes(SOURCE_NAME);
  const message = put(error.message);
  const named = cause instanceof Error ? namedCause(cause, name) : cause;
  if (message === error.message && named === cause && !isCopy) return error;
  return new BivdiffError(code, message, {
    ...{ retry, details: isCopy ? { ...details, path: name } : details, cause: named },
    ...(hint === undefined ? {} : { hint }),
  });
}

function namedCause(cause: Error, name: string): Error {
  if (cause instanceof BivdiffError) return nameSource(cause, name);
  const text = cause.message.replace(COPY, path.basename(name) || name);
  return text === cause.message ? cause : new BivdiffError('internal', text);
}
