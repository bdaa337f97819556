// Reads what is compared into memory: jobs from the store, files by the media process.

import type { Store } from '../../common/store/ports.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import type { Clip } from './clip.ts';
import { JobClipReader } from './job-clips.ts';
import type { NamedJob } from './job-clips.ts';
import type { FileSubject, Subject } from './subjects.ts';

/** In the order in which a report shows them. */
export interface ReadClips {
  readonly clips: readonly Clip[];
  /** What the others are compared with: the first that was named or, of a single job, the frames before smoothing. */
  readonly reference: Clip;
}

export interface ClipSources {
  readonly media: Pick<MediaService, 'decode'>;
  readonly openStore: () => Promise<Store>;
  readonly signal: AbortSignal;
}

/** Of pictures, which have no rate of their own: that of a render. */
const PICTURES_PER_SECOND = 8;

/** `prompt`: what files show. */
export async function readClips(
  subjects: readonly Subject[],
  { media, openStore, signal }: ClipSources,
  prompt?: string | boolean | readonly string[],
): Promise<ReadClips> {
  const jobs = subjects.some(({ kind }) => kind === 'job')
    ? new JobClipReader(await openStore())
    : undefined;
  const before: Clip[] = [];
  const results: Clip[] = [];
  for (const subject of subjects) {
    signal.throwIfAborted();
    if (subject.kind === 'file') {
      const file = await readFile(subject, media, signal);
      results.push(typeof prompt === 'string' ? { ...file, prompt } : file);
      continue;
    }
    const own = await jobs!.read(subject);
    before.push(...own.before);
    results.push(own.result);
  }
  return arranged(before, results);
}

/** The clips of rendered jobs alone; compared with the first one's frames before smoothing. */
export async function readJobs(store: Store, jobs: readonly NamedJob[]): Promise<ReadClips> {
  const reader = new JobClipReader(store);
  const before: Clip[] = [];
  const results: Clip[] = [];
  for (const job of jobs) {
    const own = await reader.read(job);
    before.push(...own.before);
    results.push(own.result);
  }
  const drawn = before.find(({ kind }) => kind === 'measured');
  const { clips, reference } = arranged(before, results);
  return { clips, reference: drawn ?? reference };
}

/** Files know neither control nor cuts: those that a job has are theirs too. */
function arranged(before: readonly Clip[], results: readonly Clip[]): ReadClips {
  const control = results.find((clip) => clip.control !== undefined)?.control;
  const cuts = results.find((clip) => clip.cuts !== undefined)?.cuts;
  const known = { ...(control && { control }), ...(cuts && { cuts }) };
  const followed = results.map((clip) => ('path' in clip.origin ? { ...clip, ...known } : clip));
  const rank = ({ kind }: Clip): number => (kind === 'shown' ? 0 : 1);
  const clips = [...before.toSorted((a, b) => rank(a) - rank(b)), ...followed];
  const drawn = before.find(({ kind }) => kind === 'measured');
  return { clips, reference: (followed.length === 1 ? drawn : undefined) ?? followed[0]! };
}

async function readFile(
  { label, path, width, height, frames, framesPerSecond }: FileSubject,
  media: ClipSources['media'],
  signal: AbortSignal,
): Promise<Clip> {
  const indices = Array.from({ length: frames }, (_, index) => index);
  const request = { path, indices, size: { width, height }, resize: 'stretch' } as const;
  const pictures: RgbImage[] = [];
  for await (const { rgb } of media.decode(request, { signal })) {
    pictures.push({ rgb, width, height });
  }
  return {
    label,
    frames: pictures,
    framesPerSecond: framesPerSecond > 0 ? framesPerSecond : PICTURES_PER_SECOND,
    kind: 'measured',
    origin: { path },
  };
}
