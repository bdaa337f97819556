// Puts finished outputs where the user wants them: each is written beside its place under another name and put there
// when all are complete, so that a failure leaves nothing half-written. Knows of the store only how to get a file.

import { createReadStream } from 'node:fs';
import type { Stats } from 'node:fs';
import { link, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { digestFile, digestText } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { ownName, removeLeftovers } from '../../common/files/leftovers.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ArtifactRef } from '../../common/task.ts';
import { cannotWrite } from '../../common/write-failure.ts';
import type { WriteFailureOptions } from '../../common/write-failure.ts';
import { followLinks } from './follow-links.ts';

/** One thing to write. `path` is absolute. */
export type OutputFile =
  | { readonly kind: 'artifact'; readonly path: string; readonly artifact: ArtifactRef }
  /** A folder of `frame-000001.png` and so on; `numbers` says which frames, from 0, where some are missing. */
  | {
      readonly kind: 'frames';
      readonly path: string;
      readonly artifacts: readonly ArtifactRef[];
      readonly numbers?: readonly number[];
    }
  /** Text about the run. It may replace an earlier one whose first 200 characters hold the mark. */
  | { readonly kind: 'text'; readonly path: string; readonly text: string; readonly mark: string };

/** Of what is written beside an output before it gets its name. */
export const TEMPORARY_PREFIX = '.bivdiff-';

/** Of a command that keeps what it made; without a store, nothing is kept. */
const KEPT = { kept: true } as const;

export interface PlaceOptions extends WriteFailureOptions {
  readonly overwrite: boolean;
}

/**
 * Refuses what can be known to fail before anything has run: a folder that cannot be written, a file where a folder
 * must be. Leaves nothing behind.
 * @throws permission-denied, not-found, invalid-argument, resource-exhausted
 */
export async function checkPlaces(
  paths: readonly string[],
  options: WriteFailureOptions = KEPT,
): Promise<void> {
  for (const path of paths) {
    await refuseFolder(path);
    await probeFolder(dirname(await placeOf(path)), path, options);
  }
}

/**
 * Refuses a folder that cannot be written or made, before anything has run. Leaves nothing behind.
 * @throws as `checkPlaces`
 */
export async function checkFolder(folder: string): Promise<void> {
  await probeFolder(folder, folder, KEPT);
}

/** Makes and removes a file in the nearest folder that exists: what `access` says is no proof. */
async function probeFolder(
  folder: string,
  path: string,
  options: WriteFailureOptions,
): Promise<void> {
  const probe = join(await nearestFolder(folder, path), await temporaryName());
  try {
    await writeFile(probe, '', { flag: 'wx' });
    await rm(probe);
  } catch (reason) {
    throw cannotWrite(path, reason, options);
  }
}

/**
 * Writes the outputs: all, or none if one cannot be written or would replace something that differs.
 * @throws already-exists — a file is there, differs, and `overwrite` is off
 * @throws invalid-argument — a folder is where a file shall be
 * @throws permission-denied, resource-exhausted — what the file system said
 */
export async function placeOutputs(
  store: Pick<Store, 'getArtifactFile'>,
  outputs: readonly OutputFile[],
  given: PlaceOptions,
): Promise<void> {
  const options = { ...KEPT, ...given };
  const staged: Staged[] = [];
  const madeFolders: string[] = [];
  try {
    for (const output of outputs) staged.push(await stage(store, output, { madeFolders, options }));
    const pending: Staged[] = [];
    for (const one of staged) {
      if (await needsPlacing(one, options)) pending.push(one);
    }
    for (const one of pending) await put(one, options);
    madeFolders.length = 0;
  } finally {
    for (const { temporary } of staged) await rm(temporary, { recursive: true, force: true });
    for (const folder of madeFolders) await rm(folder, { recursive: true, force: true });
  }
}

/** Of a frame sequence: of the lines that `sha256sum *.png` prints in its folder. Of one file: of its bytes. */
export function digestOfArtifacts(artifacts: readonly ArtifactRef[]): string {
  const [first] = artifacts;
  if (artifacts.length === 1 && first !== undefined) return first.digest;
  const lines = artifacts.map(({ digest }, index) => `${digest}  ${frameName(index)}\n`);
  return digestText(lines.join(''));
}

interface Staged {
  readonly output: OutputFile;
  /** Where it goes, links followed, without a trailing slash. */
  readonly path: string;
  readonly temporary: string;
}

async function stage(
  store: Pick<Store, 'getArtifactFile'>,
  output: OutputFile,
  { madeFolders, options }: { readonly madeFolders: string[]; readonly options: PlaceOptions },
): Promise<Staged> {
  const path = await placeOf(output.path);
  const temporary = join(dirname(path), await temporaryName());
  try {
    const made = await mkdir(dirname(path), { recursive: true });
    if (made !== undefined) madeFolders.push(made);
    await removeLeftovers(dirname(path), TEMPORARY_PREFIX);
    if (output.kind === 'artifact') {
      await store.getArtifactFile(output.artifact.digest, temporary);
    } else if (output.kind === 'text') {
      await writeFile(temporary, output.text, { flag: 'wx' });
    } else {
      await mkdir(temporary);
      for (const [index, artifact] of output.artifacts.entries()) {
        await store.getArtifactFile(
          artifact.digest,
          join(temporary, frameName(output.numbers?.[index] ?? index)),
        );
      }
    }
  } catch (reason) {
    await rm(temporary, { recursive: true, force: true });
    throw cannotWrite(path, reason, options);
  }
  return { output, path, temporary };
}

/** Whether the staged output is not yet in its place. */
async function needsPlacing(staged: Staged, options: PlaceOptions): Promise<boolean> {
  const { output, path } = staged;
  if (!(await exists(path))) return true;
  if (output.kind !== 'frames' && (await isFolder(path))) throw folderInTheWay(path);
  if (await isSame(output, path)) return false;
  if (options.overwrite || (await isEarlierText(output, path))) return true;
  throw new BivdiffError(
    'already-exists',
    `${path} exists and differs from what was ${options.kept ? 'rendered' : 'made'}`,
    {
      hint: options.kept
        ? 'Add --overwrite to replace it, or choose another name; what was rendered is kept in the store.'
        : 'Add --overwrite to replace it, or choose another name.',
    },
  );
}

async function put(staged: Staged, options: PlaceOptions): Promise<void> {
  const { output, path, temporary } = staged;
  try {
    if (output.kind === 'text') {
      await rename(temporary, path);
    } else if (output.kind === 'frames' || !options.overwrite) {
      await putWithoutReplacing(staged, options);
    } else {
      await rename(temporary, path);
    }
  } catch (reason) {
    throw cannotWrite(path, reason, options);
  }
}

async function putWithoutReplacing(staged: Staged, options: PlaceOptions): Promise<void> {
  const { output, path, temporary } = staged;
  if (output.kind === 'artifact') {
    // link() fails where rename() would replace a file that appeared meanwhile.
    await link(temporary, path).catch(async (reason: unknown) => {
      if ((reason as NodeJS.ErrnoException).code === 'EEXIST') throw reason;
      // Some file systems (exFAT, some network shares) have no links.
      await rename(temporary, path);
    });
    return;
  }
  const aside = join(dirname(path), await temporaryName());
  const replaces = options.overwrite && (await exists(path));
  if (replaces) await rename(path, aside);
  await rename(temporary, path);
  if (replaces) await rm(aside, { recursive: true, force: true });
}

async function isSame(output: OutputFile, path: string): Promise<boolean> {
  const facts = await stat(path);
  if (output.kind === 'text') return false;
  if (output.kind === 'artifact') {
    if (!facts.isFile() || facts.size !== output.artifact.bytes) return false;
    return (await digestFile(path)) === output.artifact.digest;
  }
  if (!facts.isDirectory()) return false;
  const names = await readdir(path);
  if (names.length !== output.artifacts.length) return false;
  for (const [index, { digest }] of output.artifacts.entries()) {
    const name = frameName(output.numbers?.[index] ?? index);
    if (!names.includes(name) || (await digestFile(join(path, name))) !== digest) return false;
  }
  return true;
}

async function isEarlierText(output: OutputFile, path: string): Promise<boolean> {
  if (output.kind !== 'text' || !(await stat(path)).isFile()) return false;
  let head = '';
  for await (const chunk of createReadStream(path, { end: 199, encoding: 'utf8' })) {
    head += String(chunk);
  }
  return head.includes(output.mark);
}

/** A name with an ending is a file's: it cannot go where a folder is. */
async function refuseFolder(path: string): Promise<void> {
  if (!/\.\w+$/.test(basename(path)) || path.endsWith('/')) return;
  if (await isFolder(path)) throw folderInTheWay(path);
}

function folderInTheWay(path: string): BivdiffError {
  return new BivdiffError('invalid-argument', `${path} is a folder, and a file shall be written`, {
    hint: 'Choose another name for the output.',
  });
}

async function isFolder(path: string): Promise<boolean> {
  return (await statOrUndefined(path))?.isDirectory() === true;
}

/** The folder, or the nearest above it that exists. */
async function nearestFolder(folder: string, path: string): Promise<string> {
  const facts = await statOrUndefined(folder);
  if (facts?.isDirectory() === true) return folder;
  if (facts === undefined) return nearestFolder(dirname(folder), path);
  throw new BivdiffError('invalid-argument', `cannot write ${path}: ${folder} is not a folder`, {
    hint: 'Choose another folder.',
  });
}

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (reason) {
    const { code } = reason as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw cannotWrite(path, reason);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await statOrUndefined(path)) !== undefined;
}

function frameName(index: number): string {
  return `frame-${String(index + 1).padStart(6, '0')}.png`;
}

/** A link stands for what it points to. */
async function placeOf(path: string): Promise<string> {
  try {
    return await followLinks(path.replace(/\/$/, ''));
  } catch (reason) {
    throw cannotWrite(path, reason);
  }
}

/**
 * Hidden, and not taken for an output by a pattern such as *.mp4. Nothing of the output's own name: that may be as long as the file
 * system takes.
 */
function temporaryName(): Promise<string> {
  return ownName(TEMPORARY_PREFIX, '.tmp');
}
