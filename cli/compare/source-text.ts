// What a source shows, in words: in a text file beside it, as trainers of models keep captions. It is the clip's, whoever renders it to whatever.

import { basename, dirname, extname, join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import type { SourceKind } from '../../common/sources/source.ts';
import { PROMPT_CHARACTERS_MAX } from '../../recipes/spec/values.ts';

/** `clip.mp4` has `clip.txt`, a folder `frames` has `frames.txt`, both beside it. */
export function sourceTextPath(source: string, kind: SourceKind): string {
  const name = basename(source, kind === 'video' ? extname(source) : '');
  return join(dirname(source), `${name}.txt`);
}

/**
 * The words of that file, on one line.
 * @throws not-found — there is none @throws invalid-argument — it has no words, too many, or is no text
 */
export async function readSourceText(source: string, kind: SourceKind): Promise<string> {
  const path = sourceTextPath(source, kind);
  const text = await readTextFile(path, `reading ${path}`).catch((reason: unknown) => {
    const error = BivdiffError.from(reason);
    if (error.code !== 'not-found') throw error;
    const missing = `there is no ${path}, which would say what ${basename(source)} shows`;
    throw new BivdiffError('not-found', missing, { cause: reason });
  });
  const words = text.trim().replaceAll(/\s+/g, ' ');
  if (words !== '' && words.length <= PROMPT_CHARACTERS_MAX) return words;
  const problem =
    words === '' ? 'has no words' : `has more than ${PROMPT_CHARACTERS_MAX} characters`;
  throw new BivdiffError(
    'invalid-argument',
    `${path} ${problem}; it says what ${basename(source)} shows`,
  );
}
