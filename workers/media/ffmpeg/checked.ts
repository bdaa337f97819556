// FFmpeg's libraries answer with numbers; below 0 is a failure. Here it becomes an error with FFmpeg's own words.

import { getSystemErrorName } from 'node:util';

import { AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { FFmpegError } from 'node-av/lib';

import { BivdiffError, codeOfErrno } from '../../../common/errors.ts';

/** Gives the code back. @throws internal — it is below 0; callers who know the file make it a clearer error */
export function checked(code: number, doing: string): number {
  if (code >= 0) return code;
  throw new BivdiffError('internal', `${doing}: ${wordsOf(code)}`, { details: { code } });
}

/**
 * As `checked`, of what writes a file: the system's own failures (a full disk, say) are told as Node's are, `errno` in details.
 * @throws resource-exhausted, permission-denied, not-found, internal
 */
export function written(code: number, doing: string): number {
  const errno = code < 0 ? getSystemErrorName(code) : '';
  if (!FILE_ERRNOS.has(errno)) return checked(code, doing);
  const message = `${errno}: ${wordsOf(code).toLowerCase()}`;
  throw new BivdiffError(codeOfErrno(errno), message, { details: { errno } });
}

/** What file systems say of a file that is written. What else there is, encoders and muxers say too, of their own. */
const FILE_ERRNOS: ReadonlySet<string> = new Set([
  ...['ENOSPC', 'EDQUOT', 'EFBIG', 'EACCES', 'EPERM', 'EROFS', 'ENOENT'],
]);

/** `false`: there is nothing now, or nothing any more. @throws internal — as `checked` */
export function gotOne(code: number, doing: string): boolean {
  if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return false;
  checked(code, doing);
  return true;
}

export function wordsOf(code: number): string {
  return FFmpegError.strerror(code);
}
