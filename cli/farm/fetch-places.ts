// Where `bivdiff fetch` puts things: the names that were typed, held to what `bivdiff render` holds its own to.

import { basename, dirname, extname, join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { endingOf, isSequence, OUTPUT_FORMATS } from '../../common/outputs/output-formats.ts';
import type { OutputFormat } from '../../common/outputs/output-formats.ts';
import { flagOfField } from '../flags/find-flag.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { checkPlaces } from '../output/place-outputs.ts';
import { clashProblems, endingProblems, formatOfName } from '../request/output-names.ts';
import type { NamedPlace, OutputNames } from '../request/output-names.ts';
import { absolute, specLayer } from '../request/spec-layer.ts';

/** Absolute paths; those of folders may end in a slash. */
export interface FetchPlaces {
  readonly files: OutputNames;
  /** The folder of the finished frames. */
  readonly frames: string | undefined;
  /** With `--follow`: the file that grows until the output is there. */
  readonly growing: string | undefined;
}

/** What problems call a file: its flag. */
const nameOf = (field: string): string => `--${flagOfField(field)?.name ?? field}`;

/**
 * The places that the flags name, looked at before anything is asked for. Leaves nothing behind.
 * @throws invalid-argument — lists every problem: an ending of no format, two places that are one, one inside another
 * @throws as `checkPlaces`
 */
export async function fetchPlaces(typed: TypedFlags, folder: string): Promise<FetchPlaces> {
  const { output, comparison, contactSheet } = typed;
  const isFollowed = typed['follow'] === true;
  const layer = specLayer({ output, comparison, contactSheet }, { folder, spelling: 'typed' });
  const { files } = layer;
  const problems = [...layer.problems];
  const frames = framesPlace(typed['frames'], { folder, problems });
  if (isFollowed && output === undefined) {
    problems.push('--output is missing: where the video goes');
  }
  if (isFollowed && frames !== undefined) {
    problems.push('--frames: what is there now, and --follow waits for all; give one of them');
  }
  const growing = isFollowed && files.output !== undefined ? growingName(files.output) : undefined;
  const places = [
    { called: '--output', path: files.output },
    { called: '--comparison', path: files.comparison },
    { called: '--contact-sheet', path: files.contactSheet },
    { called: '--frames', path: frames },
    { called: 'the file that --follow writes', path: growing },
  ].filter((place): place is NamedPlace => place.path !== undefined);
  problems.push(...clashProblems(places));
  if (problems.length > 0) {
    throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
  }
  await checkPlaces(places.map(({ path }) => path));
  return { files, frames, growing };
}

/**
 * Refuses names that do not fit the job's format, which may be one that only a newer version knows: then none is refused.
 * @throws invalid-argument — lists every problem
 */
export function checkEndings(
  { files }: FetchPlaces,
  { id, format }: { readonly id: string; readonly format: string },
): void {
  if (!isKnown(format)) return;
  const problems = endingProblems(files, format, nameOf);
  if (problems.length === 0) return;
  throw new BivdiffError('invalid-argument', problems.join('; '), {
    hint: endingHint(files.output, { id, format }),
    details: { problems },
  });
}

function isKnown(format: string): format is OutputFormat {
  return (OUTPUT_FORMATS as readonly string[]).includes(format);
}

function endingHint(
  output: string | undefined,
  { id, format }: { readonly id: string; readonly format: OutputFormat },
): string {
  const has = `Job ${id.slice(0, 12)} has the format ${format}`;
  if (output === undefined) return `${has}.`;
  const stem = basename(output, extname(output));
  if (isSequence(format)) return `${has}: give --output a folder, such as ${stem}/.`;
  const isFolder = isSequence(formatOfName(output) ?? '');
  const example = `${isFolder ? join(stem, 'clip') : stem}${endingOf(format)}`;
  const instead = isFolder ? ' --frames DIR takes its frames as PNG.' : '';
  return `${has}: give --output a file name, such as ${example}.${instead}`;
}

/** Frames are pictures in a folder, whatever the job's format. Ends in a slash. */
function framesPlace(
  given: unknown,
  { folder, problems }: { readonly folder: string; readonly problems: string[] },
): string | undefined {
  if (typeof given !== 'string') return undefined;
  if (given === '') problems.push('--frames: expected a folder, got ""');
  const path = absolute(given, folder);
  const format = formatOfName(path);
  if (format !== undefined && !isSequence(format)) {
    problems.push(`--frames: frames fill a folder, and ${path} looks like a file`);
  }
  return path.endsWith('/') ? path : `${path}/`;
}

/** `out/clip.webm`: `out/clip.so-far.mp4`. */
function growingName(output: string): string {
  const plain = output.replace(/\/$/, '');
  return join(dirname(plain), `${basename(plain, extname(plain))}.so-far.mp4`);
}
