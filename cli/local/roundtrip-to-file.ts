// A roundtrip from request to finished file: looks at the source, decodes and encodes, and puts the output in its place.

import { copyFile, link, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { ownPrefix } from '../../common/files/leftovers.ts';
import { frameRateOf } from '../../common/outputs/frame-rate.ts';
import { isSequence, keepsAlpha } from '../../common/outputs/output-formats.ts';
import type { ArtifactRef, Digest } from '../../common/task.ts';
import { cannotWrite } from '../../common/write-failure.ts';
import { choiceProblem, framesFrom } from '../../coordinator/domain/check-sources.ts';
import { outputProblems } from '../../coordinator/domain/check-outputs.ts';
import { checkSound, soundOf } from '../../coordinator/domain/kept-sound.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { FrameSize, KeptSound, VideoFacts } from '../../workers/media/media-types.ts';
import { roundtrip } from '../../workers/media/roundtrip.ts';
import type { MadeFile } from '../../workers/media/roundtrip.ts';
import { digestOfArtifacts, placeOutputs, TEMPORARY_PREFIX } from '../output/place-outputs.ts';
import type { OutputFile } from '../output/place-outputs.ts';
import { nameProblems } from '../request/accept-request.ts';
import type { RoundtripRequest } from '../request/roundtrip-request.ts';

/** Of pictures, which have no rate of their own: that of a render. */
const PICTURES_PER_SECOND = 8;

/** What will be written, once the source is known. */
export interface RoundtripPlan extends FrameSize {
  readonly frames: number;
  readonly framesPerSecond: number;
  /** The source has some, and the format has room for it. */
  readonly keepAlpha: boolean;
  /** The source's, where it is asked for. */
  readonly sound?: KeptSound;
}

export interface RoundtripResult {
  readonly bytes: number;
  /** Of a PNG sequence, that of the lines that `sha256sum *.png` prints. */
  readonly sha256: string;
}

/** Settles what the flags left open. @throws invalid-argument — lists what does not fit the source or the format */
export function planRoundtrip(request: RoundtripRequest, facts: VideoFacts): RoundtripPlan {
  const { input, start, stride, format } = request;
  const frames = request.frames ?? Math.max(1, framesFrom(request, facts.frames));
  const { width, height } = request.size ?? facts;
  const framesPerSecond =
    request.framesPerSecond ??
    (facts.framesPerSecond > 0 ? facts.framesPerSecond : PICTURES_PER_SECOND);
  const source = { path: input, frames: facts.frames };
  const choice =
    start < facts.frames
      ? choiceProblem({ frames, start, stride }, source, 'taken')
      : `input.start: ${start} is past the end; ${input} has ${facts.frames} frames, the first is 0`;
  const output = { layout: 'clip', format, framesPerSecond } as const;
  const sounding = { source: { path: input, sound: facts.sound }, start, stride, format };
  const unheard: string[] = [];
  if (request.keepsSound) checkSound({ ...sounding, framesPerSecond }, unheard);
  const problems = nameProblems(
    [
      ...(choice === undefined ? [] : [choice]),
      ...unheard,
      ...outputProblems({ size: { width, height }, frames, outputs: [output] }).map((problem) =>
        ofSource(problem, request),
      ),
    ],
    request,
  );
  const keepAlpha = facts.alpha && keepsAlpha(format);
  if (problems.length === 0) {
    const { numerator, denominator } = frameRateOf(framesPerSecond);
    const seconds = (frames * denominator) / numerator;
    const sound = { path: input, seconds, ...soundOf({ ...sounding, framesPerSecond }) };
    const plan = { frames, width, height, framesPerSecond, keepAlpha };
    return request.keepsSound ? { ...plan, sound } : plan;
  }
  throw new BivdiffError('invalid-argument', problems.join('; '), {
    hint: 'bivdiff probe tells what the source is; bivdiff roundtrip --help lists the flags.',
    details: { problems },
  });
}

/** Of what no flag asked for, says that it is the source's, and which flag asks for something else. */
function ofSource(
  problem: string,
  { framesPerSecond, size }: Pick<RoundtripRequest, 'framesPerSecond' | 'size'>,
): string {
  const rate = /^output\.framesPerSecond: (\S+) (cannot be written: [^]*)$/.exec(problem);
  if (rate !== null && framesPerSecond === undefined) {
    return `the source's rate of ${rate[1]} frames per second ${rate[2]}; --fps chooses another`;
  }
  if (size !== undefined) return problem;
  const own = problem.replace(/^(size|output\.format): frames of /, "$1: the source's frames of ");
  return own === problem ? problem : `${own}; --size chooses one`;
}

/** @throws already-exists — before anything is read: there is no store that would keep what was made */
export async function refuseExisting(output: string): Promise<void> {
  const isThere = await stat(output).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  throw new BivdiffError('already-exists', `${output} exists`, {
    hint: 'Add --overwrite to replace it, or choose another name.',
  });
}

export interface RoundtripRun {
  readonly media: MediaService;
  readonly request: RoundtripRequest;
  readonly plan: RoundtripPlan;
  readonly overwrite: boolean;
  readonly signal: AbortSignal;
  readonly onFrame: (done: number) => void;
}

/** Leaves the whole output or nothing. @throws BivdiffError */
export async function roundtripToFile(run: RoundtripRun): Promise<RoundtripResult> {
  const { media, request, plan, overwrite, signal, onFrame } = run;
  const { input, start, stride, resize, format } = request;
  const { frames, width, height, framesPerSecond } = plan;
  await using place = await workFolder(request.output);
  const source = {
    path: input,
    indices: Array.from({ length: frames }, (_, i) => start + i * stride),
    ...{ size: { width, height }, resize },
    keepAlpha: plan.keepAlpha,
    askedAs: `${frames} frames from ${start} with stride ${stride}`,
  };
  const folder = join(place.folder, 'made');
  const made = await roundtrip(
    media,
    { source, folder, calledAs: request.output, format, framesPerSecond, sound: plan.sound },
    { signal, onFrame },
  );
  signal.throwIfAborted();
  const artifacts = made.map(({ digest, bytes }) => ({ digest, bytes }) as ArtifactRef);
  await placeOutputs(filesByDigest(made), [outputOf(request, artifacts)], {
    overwrite,
    kept: false,
  });
  place.keep();
  return {
    bytes: made.reduce((sum, { bytes }) => sum + bytes, 0),
    sha256: digestOfArtifacts(artifacts),
  };
}

function outputOf(
  { output: path, format }: RoundtripRequest,
  artifacts: readonly ArtifactRef[],
): OutputFile {
  return isSequence(format)
    ? { kind: 'frames', path, artifacts }
    : { kind: 'artifact', path, artifact: artifacts[0]! };
}

interface WorkFolder extends AsyncDisposable {
  readonly folder: string;
  /** The folders above it are wanted now. */
  keep(): void;
}

/** A hidden folder on the output's own disk, so that what is made there can be linked into its place. */
async function workFolder(output: string): Promise<WorkFolder> {
  const beside = dirname(output.replace(/\/$/, ''));
  let made: string | undefined;
  let folder = '';
  try {
    made = await mkdir(beside, { recursive: true });
    folder = await mkdtemp(join(beside, await ownPrefix(TEMPORARY_PREFIX)));
    await mkdir(join(folder, 'made'));
  } catch (reason) {
    for (const one of [folder, made ?? '']) {
      if (one !== '') await rm(one, { recursive: true, force: true });
    }
    throw cannotWrite(output, reason);
  }
  return {
    folder,
    keep: () => (made = undefined),
    [Symbol.asyncDispose]: async () => {
      await rm(folder, { recursive: true, force: true });
      if (made !== undefined) await rm(made, { recursive: true, force: true });
    },
  };
}

/** Files that are there already, for whoever asks a store for them. Equal frames are one artifact and several files. */
function filesByDigest(made: readonly MadeFile[]) {
  const paths = new Map(made.map(({ digest, path }) => [digest, path]));
  return {
    getArtifactFile: async (digest: Digest, target: string): Promise<void> => {
      const path = paths.get(digest);
      if (path === undefined) throw new BivdiffError('internal', `no file has digest ${digest}`);
      // Some file systems have no links.
      await link(path, target).catch(() => copyFile(path, target));
    },
  };
}
