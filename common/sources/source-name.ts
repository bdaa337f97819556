// What errors call a source. A worker has a copy of it and does not know what its user calls it; who does know puts that name in. Pure.

import path from 'node:path';

import { BivdiffError } from '../errors.ts';
import type { Digest } from '../task.ts';

/** The name of a worker's copy, so that whatever is said of this file reads well: "the source is damaged". */
export const SOURCE_NAME = 'the source';

/** A whole path to a worker's copy, or only its name. */
const COPY = new RegExp(String.raw`(?:[^\s'"]*[/\\])?${SOURCE_NAME}(?![\w-])`, 'g');

/** As users give them, paths or not. */
export interface SourceNames {
  /** The first source's; absent where nobody knows it. */
  readonly source?: string | undefined;
  /** Of further ones, by digest. */
  readonly others?: Readonly<Record<string, string>> | undefined;
}

/** The error with the digest of the source that it is about, by which whoever knows the names finds its name. */
export function aboutSource(error: BivdiffError, digest: Digest): BivdiffError {
  const { code, retry, hint, details, cause } = error;
  return new BivdiffError(code, error.message, {
    ...{ retry, details: { ...details, source: digest }, cause },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The error and its causes, with the user's name for the source that it is about in place of a worker's. */
export function nameSource(error: BivdiffError, names: SourceNames): BivdiffError {
  const digest = error.details['source'];
  const other = typeof digest === 'string' ? names.others?.[digest] : undefined;
  const name = other ?? names.source;
  return name === undefined ? error : named(error, name);
}

function named(error: BivdiffError, name: string): BivdiffError {
  const own = path.basename(name) || name;
  const put = (text: string): string => text.replace(COPY, own);
  const { code, retry, hint, details, cause } = error;
  const isCopy = typeof details['path'] === 'string' && details['path'].includes(SOURCE_NAME);
  const message = put(error.message);
  const why = cause instanceof Error ? namedCause(cause, name) : cause;
  if (message === error.message && why === cause && !isCopy) return error;
  return new BivdiffError(code, message, {
    ...{ retry, details: isCopy ? { ...details, path: name } : details, cause: why },
    ...(hint === undefined ? {} : { hint }),
  });
}

function namedCause(cause: Error, name: string): Error {
  if (cause instanceof BivdiffError) return named(cause, name);
  const text = cause.message.replace(COPY, path.basename(name) || name);
  return text === cause.message ? cause : new BivdiffError('internal', text);
}
