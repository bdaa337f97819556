// A file that says where a clip is cut: the first frame of each shot, as whole numbers with white space or commas between them, or as a list in JSON. Whether they
// fit the clip is not asked here.

import { readFileSync } from 'node:fs';

import { BivdiffError } from '../../common/errors.ts';
import { decodeText } from '../../common/files/text-file.ts';

/** Of what is no frame, so many are told. */
const TOLD_MAX = 5;

/** Problems are added without the name of what asked for the file; then undefined is returned. */
export function readCutsFile(path: string, problems: string[]): readonly number[] | undefined {
  try {
    const entries = entriesOf(decodeText(readFileSync(path), path), path);
    const wrong = entries.filter((entry) => !/^\d{1,7}$/.test(entry));
    if (wrong.length === 0) return entries.map(Number);
    const some = wrong.slice(0, TOLD_MAX).map((entry) => JSON.stringify(entry));
    const more = wrong.length > TOLD_MAX ? ` and ${wrong.length - TOLD_MAX} more` : '';
    problems.push(
      `${path} holds ${some.join(', ')}${more}: expected the first frame of each shot, such as 0 48 120`,
    );
  } catch (reason) {
    const isMissing = (reason as NodeJS.ErrnoException).code === 'ENOENT';
    problems.push(
      isMissing
        ? `reading the cuts ${path}: there is no such file; the words that are none are auto and none`
        : BivdiffError.from(reason, `reading the cuts ${path}`).message,
    );
  }
  return undefined;
}

function entriesOf(text: string, path: string): readonly string[] {
  if (!text.trimStart().startsWith('[')) return text.split(/[\s,]+/).filter((one) => one !== '');
  try {
    return (JSON.parse(text) as readonly unknown[]).map((one) => JSON.stringify(one));
  } catch (cause) {
    throw new BivdiffError('invalid-argument', `${path} is neither numbers nor a list in JSON`, {
      cause,
    });
  }
}
