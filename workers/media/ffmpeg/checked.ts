// FFmpeg's libraries answer with numbers; below 0 is a failure. Here it becomes an error with FFmpeg's own words.

import { AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { FFmpegError } from 'node-av/lib';

import { BivdiffError } from '../../../common/errors.ts';

/** Gives the code back. @throws internal — it is below 0; callers who know the file make it a clearer error */
export function checked(code: number, doing: string): number {
  if (code >= 0) return code;
  throw new BivdiffError('internal', `${doing}: ${wordsOf(code)}`, { details: { code } });
}

/** `false`: there is nothing now, or nothing any more. @throws internal — as `checked` */
export function gotOne(code: number, doing: string): boolean {
  if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return false;
  checked(code, doing);
  return true;
}

export function wordsOf(code: number): string {
  return FFmpegError.strerror(code);
}
