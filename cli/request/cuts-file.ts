// A file that says where a clip is cut: the first frame of each shot, as whole numbers with white space or commas between them, or as a list in JSON. Whether they
// fit the clip is not asked here.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { decodeText, readFailure } from '../../common/files/text-file.ts';

/** Of what is no frame, so many are told. */
const TOLD_MAX = 5;
const NO_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR'];
const WORDS = 'the words that are none are auto and none';
const EXPECTED = 'expected the first frame of each shot, such as 0 48 120';

/** Of a file that is named from a folder. Problems are added without the name of what asked for the file; then undefined is returned. */
export function readCutsFile(
  { name, folder }: { readonly name: string; readonly folder: string },
  problems: string[],
): readonly number[] | undefined {
  if (name.trim() === '') {
    problems.push(`expected auto, none or the name of a file, got ${JSON.stringify(name)}`);
    return undefined;
  }
  const path = resolve(folder, name);
  try {
    const text = decodeText(readFileSync(path), path);
    const entries = entriesOf(text, path);
    if (entries.length === 0 && !isJson(text)) {
      problems.push(`${path} holds no frames: ${EXPECTED}; where there are no cuts, say none`);
      return undefined;
    }
    const wrong = entries.filter((entry) => !/^\d{1,7}$/.test(entry));
    if (wrong.length === 0) return entries.map(Number);
    const some = wrong.slice(0, TOLD_MAX).map((entry) => JSON.stringify(entry));
    const more = wrong.length > TOLD_MAX ? ` and ${wrong.length - TOLD_MAX} more` : '';
    problems.push(`${path} holds ${some.join(', ')}${more}: ${EXPECTED}`);
  } catch (reason) {
    const { message } = readFailure(reason, path, `reading the cuts ${path}`);
    const isNoFile = NO_FILE.includes((reason as NodeJS.ErrnoException).code ?? '');
    problems.push(isNoFile ? `${message}; ${WORDS}` : message);
  }
  return undefined;
}

function isJson(text: string): boolean {
  return text.trimStart().startsWith('[');
}

function entriesOf(text: string, path: string): readonly string[] {
  if (!isJson(text)) return text.split(/[\s,]+/).filter((one) => one !== '');
  try {
    return (JSON.parse(text) as readonly unknown[]).map((one) => JSON.stringify(one));
  } catch (cause) {
    throw new BivdiffError('invalid-argument', `${path} is neither numbers nor a list in JSON`, {
      cause,
    });
  }
}
