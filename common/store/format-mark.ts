// The mark by which a store is known, in a folder or on S3: that it is one, and which version of the layout it has.

import { BivdiffError } from '../errors.ts';

const FORMAT = 'bivdiff-store';
/** Raised when a program of today could not use a store written then, or the other way round. */
const FORMAT_VERSION = 1;

export const FORMAT_MARK = `${JSON.stringify({ format: FORMAT, version: FORMAT_VERSION })}\n`;

export interface MarkPlace {
  /** Where the mark was found. */
  readonly mark: string;
  readonly store: string;
  /** What else a store could be put into: `directory`, `prefix`. */
  readonly place: string;
}

/** @throws failed-precondition — the mark is not a store's, or a newer one's */
export function checkMark(text: string, { mark, store, place }: MarkPlace): void {
  const { format, version } = parseMark(text);
  if (format !== FORMAT || typeof version !== 'number' || !Number.isInteger(version)) {
    throw new BivdiffError('failed-precondition', `${mark} is not that of a store`, {
      hint: `Choose another ${place} for the store.`,
    });
  }
  if (version > FORMAT_VERSION) {
    throw new BivdiffError(
      'failed-precondition',
      `the store ${store} has format ${version}; this program knows up to ${FORMAT_VERSION}`,
      { hint: 'Use a newer bivdiff, or another store.', details: { store, version } },
    );
  }
}

function parseMark(text: string): { format?: unknown; version?: unknown } {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
