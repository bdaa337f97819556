// What `compare` is told to compare: words become jobs and files, all that is wrong with them in one error.

import { stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId } from '../../common/task.ts';
import { canPlan } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { wantedFrames } from '../../recipes/pipeline/job-base.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import { findJob, readJob } from '../local/find-job.ts';
import { jobLabels } from './job-labels.ts';

/** One thing to compare, looked at but not read. */
export type Subject = JobSubject | FileSubject;

interface Looked {
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

export interface JobSubject extends Looked {
  readonly kind: 'job';
  readonly jobId: JobId;
  readonly job: AcceptedJob;
}

export interface FileSubject extends Looked {
  readonly kind: 'file';
  readonly path: string;
  /** 0 where it has no rate. */
  readonly framesPerSecond: number;
}

export interface SubjectSources {
  /** Paths are relative to it. */
  readonly folder: string;
  readonly media: Pick<MediaService, 'probe'>;
  /** Opened when the first job is named. @throws not-found — there is none */
  readonly openStore: () => Promise<Store>;
  readonly signal: AbortSignal;
}

/** Seconds of a long clip are looked at better in the clip itself. */
const FRAMES_MAX = 1000;
/** Of all clips together, decoded. */
const PIXELS_MAX = 400_000_000;

/** A job, or a file that is there. */
type Found =
  | { readonly jobId: JobId; readonly label: string | undefined }
  | { readonly path: string; readonly typed: string; readonly label: string | undefined };

/**
 * Finds what is named and looks at it.
 * @throws invalid-argument — lists what is not there, cannot be read, or does not fit the others
 */
export async function findSubjects(
  words: readonly string[],
  sources: SubjectSources,
): Promise<readonly Subject[]> {
  const problems: string[] = [];
  /** What goes wrong with one is told of it, and the others are looked at all the same. */
  const attempt = async <T>(work: () => Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await work();
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (sources.signal.aborted || error.code === 'internal') throw error;
      problems.push(error.message);
      return [];
    }
  };
  const found: Found[] = [];
  for (const word of words) found.push(...(await attempt(() => findWord(word, sources))));
  const subjects: (Subject & { readonly isNamed: boolean })[] = [];
  for (const one of found) subjects.push(...(await attempt(() => look(one, sources))));
  problems.push(...misfits(subjects));
  const [only, ...others] = subjects;
  // What is left of several of which something is wrong is no news.
  if (problems.length === 0 && only?.kind === 'file' && others.length === 0) {
    problems.push('one clip is compared with nothing: name another, the first is the reference');
  }
  // All jobs that are named lack the same store.
  if (problems.length > 0) throw refusal([...new Set(problems)]);
  return distinct(named(subjects));
}

async function findWord(word: string, sources: SubjectSources): Promise<readonly Found[]> {
  const whole = await findPath(word, undefined, sources);
  if (whole !== undefined) return whole;
  const [, label, rest] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
  const name = rest ?? word;
  const renamed = rest === undefined ? undefined : await findPath(rest, label, sources);
  if (renamed !== undefined) return renamed;
  if (!/^[0-9a-f]{4,64}$/.test(name)) {
    throw new BivdiffError('not-found', `${name}: there is no such file, and it is no job's id`);
  }
  return [{ jobId: await findJob(await sources.openStore(), name), label }];
}

/** Undefined where nothing of that name is there. */
async function findPath(
  typed: string,
  label: string | undefined,
  { folder }: SubjectSources,
): Promise<readonly Found[] | undefined> {
  const path = resolve(folder, typed);
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return undefined;
  if (!facts.isDirectory() && extname(path) === '.json') return jobsOfReport(path, label);
  const table = join(path, 'table.json');
  const isSweep = facts.isDirectory() && (await stat(table).catch(() => undefined)) !== undefined;
  return isSweep ? jobsOfReport(table, label) : [{ path, typed, label }];
}

/** The jobs that a render's report or a sweep's table names. */
async function jobsOfReport(path: string, label: string | undefined): Promise<readonly Found[]> {
  const text = await readTextFile(path, `reading ${path}`);
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    report = undefined;
  }
  const { kind, job, rows } = (report ?? {}) as Readonly<Record<string, unknown>>;
  const jobs =
    kind === 'bivdiff-report'
      ? [job]
      : kind === 'bivdiff-sweep' && Array.isArray(rows)
        ? rows.map((row) => (row as Readonly<Record<string, unknown>> | null)?.['job'])
        : [];
  const ids = jobs.filter((id) => typeof id === 'string');
  if (ids.length > 0) return ids.map((id) => ({ jobId: id as JobId, label }));
  throw new BivdiffError(
    'invalid-argument',
    `${path} is neither a report of bivdiff render nor a table of bivdiff sweep`,
  );
}

async function look(
  found: Found,
  { media, openStore, signal }: SubjectSources,
): Promise<readonly (Subject & { readonly isNamed: boolean })[]> {
  const isNamed = found.label !== undefined;
  if ('jobId' in found) {
    const store = await openStore();
    const jobId = await findJob(store, found.jobId);
    const job = await readJob(store, jobId);
    if (!canPlan(job)) {
      const short = jobId.slice(0, 12);
      throw new BivdiffError('failed-precondition', `job ${short}: another version accepted it`);
    }
    const { width, height } = job;
    const { count: frames } = wantedFrames(job);
    const label = found.label ?? '';
    return [{ kind: 'job', isNamed, label, jobId, job, frames, width, height }];
  }
  const { path, typed } = found;
  const label = found.label ?? typed.replace(/\/$/, '');
  const facts = await media.probe(path, { signal }).catch((reason: unknown): never => {
    throw namedAsTyped(BivdiffError.from(reason), path, typed);
  });
  const { frames, width, height, framesPerSecond } = facts;
  return [{ kind: 'file', isNamed, label, path, frames, width, height, framesPerSecond }];
}

/** Readers say the file's own name, and two folders may have the same. */
function namedAsTyped(error: BivdiffError, path: string, typed: string): BivdiffError {
  const name = basename(path);
  if (!error.message.startsWith(name)) return error;
  const message = typed + error.message.slice(name.length);
  return new BivdiffError(error.code, message, { cause: error });
}

/** Why they cannot be compared frame by frame. */
function misfits(subjects: readonly Subject[]): string[] {
  const [first, ...others] = subjects;
  if (first === undefined) return [];
  const called = (one: Subject): string =>
    one.label === '' && one.kind === 'job' ? `job ${one.jobId.slice(0, 12)}` : one.label;
  const problems: string[] = [];
  for (const other of others) {
    if (other.width !== first.width || other.height !== first.height) {
      problems.push(
        `${called(other)} has frames of ${other.width}x${other.height}, ${called(first)} of ${first.width}x${first.height}`,
      );
    }
    if (other.frames !== first.frames) {
      const has = (one: Subject): string => `${one.frames} frame${one.frames === 1 ? '' : 's'}`;
      problems.push(`${called(other)} has ${has(other)}, ${called(first)} has ${has(first)}`);
    }
  }
  if (first.frames > FRAMES_MAX) {
    problems.push(`${called(first)}: ${first.frames} frames are more than compared, ${FRAMES_MAX}`);
  }
  const pixels = subjects.reduce((sum, one) => sum + one.frames * one.width * one.height, 0);
  if (pixels > PIXELS_MAX) {
    const millions = Math.round(pixels / 1e6);
    problems.push(`${millions} million pixels are more than are compared, ${PIXELS_MAX / 1e6}`);
  }
  return problems;
}

function refusal(problems: readonly string[]): BivdiffError {
  return new BivdiffError('invalid-argument', problems.join('; '), {
    hint: 'bivdiff roundtrip IN OUT.mkv with --size, --start, --frames and --stride makes clips alike; renders print the id of their job.',
    details: { problems },
  });
}

/** Jobs that nobody named, by what tells them apart. */
function named(subjects: readonly (Subject & { readonly isNamed: boolean })[]): readonly Subject[] {
  const jobs = subjects.filter((one) => one.kind === 'job');
  const labels = new Map(jobLabels(jobs).map((label, index) => [jobs[index]!, label]));
  return subjects.map((one) =>
    one.kind === 'job' && !one.isNamed ? { ...one, label: labels.get(one)! } : one,
  );
}

/** Two of one name get numbers. */
function distinct(subjects: readonly Subject[]): readonly Subject[] {
  const counts = new Map<string, number>();
  return subjects.map((one) => {
    const count = (counts.get(one.label) ?? 0) + 1;
    counts.set(one.label, count);
    return count === 1 ? one : { ...one, label: `${one.label} (${count})` };
  });
}
