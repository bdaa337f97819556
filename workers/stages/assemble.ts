// The assemble stage: frames from the store become a file. Frames are read one at a time, so memory does not grow with
// the video.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { makeTemporaryFolder, temporaryFailure } from '../../common/files/temporary-folder.ts';
import { frameRateOf } from '../../common/outputs/frame-rate.ts';
import { isSequence, MOVIE_FILES } from '../../common/outputs/output-formats.ts';
import type { MovieFormat } from '../../common/outputs/output-formats.ts';
import type { AssembleParams } from '../../common/stages.ts';
import type { ArtifactRef, Task } from '../../common/task.ts';
import { BusyClock } from './busy-clock.ts';
import type { ArtifactAccess } from './results.ts';
import { readAlpha, readPicture, resolvePictures } from './artifacts.ts';
import type { PictureRef } from './artifacts.ts';
import { PictureList } from './picture-list.ts';
import { sourceOfTask } from './source-cache.ts';
import { composeContactSheet, composePanels } from '../vision/panels.ts';
import type { KeptSound, RgbImage } from '../media/media-types.ts';
import { writeMovie } from '../media/write-movie.ts';
import { withAlpha } from '../media/pixels/alpha.ts';
import { encodeDeepPng, encodePng } from '../media/pixels/png.ts';
import type { RunTaskOptions, StageOutcome, StageRunnerOptions } from './stage-environment.ts';

/** One row of a contact sheet, or one panel of every frame. */
interface Panel {
  readonly label: string;
  readonly pictures: PictureList;
}

/** Makes one output of the job and stores it. */
export async function assembleOutput(
  task: Task,
  options: StageRunnerOptions,
  run: RunTaskOptions,
): Promise<StageOutcome> {
  const params = task.params as unknown as AssembleParams;
  const access = { store: options.store, codecs: new BusyClock() };
  switch (params.layout) {
    case 'clip':
      return makeClip(task, { options, run, access, params });
    case 'comparison': {
      const panels = panelsOf(task, options);
      return encodeMovie(options, run, {
        params,
        count: panels[0]!.pictures.length,
        frame: async (i) => composePanels(await readFrame(access, panels, i)),
      });
    }
    case 'contact-sheet':
      return makeContactSheet(access, panelsOf(task, options));
  }
}

interface Clip {
  readonly options: StageRunnerOptions;
  readonly run: RunTaskOptions;
  readonly access: ArtifactAccess;
  readonly params: AssembleParams;
}

async function makeClip(task: Task, { options, run, access, params }: Clip): Promise<StageOutcome> {
  const parts = (role: string) => task.inputs[role] ?? [];
  const list = (role: string): PictureList => new PictureList(options.store, parts(role));
  const [smoothed, alphas] = [list('smoothed'), list('alpha')];
  const alpha = alphas.length > 0;
  const frame = async (i: number): Promise<RgbImage> => {
    const picture = await readPicture(access, await smoothed.at(i));
    return alpha ? withAlpha(picture, await readAlpha(access, await alphas.at(i))) : picture;
  };
  const frames = { params, count: smoothed.length, frame };
  if (!isSequence(params.format)) return makeMovie(task, { options, run, frames });
  // These are the decoded pictures themselves: nothing to make.
  if (params.format === 'png-sequence' && !alpha) {
    const pictures = await resolvePictures(options.store, parts('smoothed'));
    return { outputs: { file: pictures.map(plainRef) }, busySeconds: 0 };
  }
  return makePictures(access, run, frames);
}

/** With its source's sound, where the task asks for it. */
async function makeMovie(
  task: Task,
  clip: {
    readonly options: StageRunnerOptions;
    readonly run: RunTaskOptions;
    readonly frames: Movie;
  },
): Promise<StageOutcome> {
  const { options, run, frames } = clip;
  const { sound, framesPerSecond } = frames.params;
  if (sound === undefined) return encodeMovie(options, run, frames);
  await using source = await options.sources.hold(sourceOfTask(task));
  const { numerator, denominator } = frameRateOf(framesPerSecond);
  const seconds = (frames.count * denominator) / numerator;
  const kept = { ...sound, seconds, path: source.path };
  return await encodeMovie(options, run, { ...frames, sound: kept });
}

/** The frames as PNGs, of 16 bits a value or of 8. */
async function makePictures(
  access: ArtifactAccess,
  run: RunTaskOptions,
  movie: Movie,
): Promise<StageOutcome> {
  const encode = movie.params.format === 'png16-sequence' ? encodeDeepPng : encodePng;
  const file: ArtifactRef[] = [];
  for (let index = 0; index < movie.count; index += 1) {
    run.signal?.throwIfAborted();
    const picture = await movie.frame(index);
    const bytes = await access.codecs.during(() => encode(picture));
    const digest = await access.store.putArtifact(bytes);
    const shape = [picture.height, picture.width, picture.channels ?? 3];
    file.push({ digest, bytes: bytes.length, type: 'image/png', shape });
    run.onProgress?.(index + 1, movie.count);
  }
  return { outputs: { file }, busySeconds: access.codecs.seconds };
}

interface Movie {
  readonly params: AssembleParams;
  readonly count: number;
  readonly frame: (index: number) => Promise<RgbImage>;
  readonly sound?: KeptSound;
}

async function encodeMovie(
  options: StageRunnerOptions,
  run: RunTaskOptions,
  movie: Movie,
): Promise<StageOutcome> {
  await using folder = await makeTemporaryFolder('assemble');
  try {
    const format = movie.params.format as MovieFormat;
    const path = join(folder.path, `output${MOVIE_FILES[format].ending}`);
    const first = await movie.frame(0);
    const frames = async function* (): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < movie.count; index += 1) {
        yield (index === 0 ? first : await movie.frame(index)).rgb;
      }
    };
    const begun = performance.now();
    await writeMovie(
      options.media,
      {
        path,
        format,
        framesPerSecond: movie.params.framesPerSecond,
        width: first.width,
        height: first.height,
        channels: first.channels ?? 3,
        ...(movie.sound && { sound: movie.sound }),
      },
      frames(),
      { signal: run.signal, onFrame: (done) => run.onProgress?.(done, movie.count) },
    );
    const busySeconds = (performance.now() - begun) / 1000;
    const { size } = await stat(path);
    const digest = await options.store.putArtifactFile(path);
    const file: ArtifactRef = { digest, bytes: size, type: MOVIE_FILES[format].type };
    return { outputs: { file: [file] }, busySeconds };
  } catch (reason) {
    throw temporaryFailure(reason, folder.path);
  }
}

/** What the task shows, in the order of the labels. */
function panelsOf(task: Task, { store, panelLabels }: StageRunnerOptions): readonly Panel[] {
  const roles = Object.keys(panelLabels).filter((role) => task.inputs[role] !== undefined);
  return roles.map((role) => ({
    label: panelLabels[role]!,
    pictures: new PictureList(store, task.inputs[role]!),
  }));
}

async function makeContactSheet(
  access: ArtifactAccess,
  panels: readonly Panel[],
): Promise<StageOutcome> {
  const rows = await Promise.all(
    panels.map(async ({ label, pictures }) => {
      const frames: RgbImage[] = [];
      for (let index = 0; index < pictures.length; index += 1) {
        frames.push(await readPicture(access, await pictures.at(index)));
      }
      return { label, frames };
    }),
  );
  const sheet = composeContactSheet(rows);
  const bytes = await access.codecs.during(() => encodePng(sheet));
  const digest = await access.store.putArtifact(bytes);
  const shape = [sheet.height, sheet.width, 3];
  return {
    outputs: { file: [{ digest, bytes: bytes.length, type: 'image/png', shape }] },
    busySeconds: 0,
  };
}

async function readFrame(
  access: ArtifactAccess,
  panels: readonly Panel[],
  index: number,
): Promise<readonly { readonly label: string; readonly image: RgbImage }[]> {
  return Promise.all(
    panels.map(async ({ label, pictures }) => ({
      label,
      image: await readPicture(access, await pictures.at(index)),
    })),
  );
}

function plainRef({ digest, bytes, type, shape }: PictureRef): ArtifactRef {
  return shape === undefined ? { digest, bytes, type } : { digest, bytes, type, shape };
}
