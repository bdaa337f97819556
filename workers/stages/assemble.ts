// The assemble stage: frames from the store become a file. Frames are read one at a time, so memory does not grow with
// the video.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { AssembleParams } from '../../common/stages.ts';
import type { ArtifactRef, ArtifactType, Task } from '../../common/task.ts';
import { BusyClock } from './busy-clock.ts';
import type { ArtifactAccess } from './artifacts.ts';
import { readPicture, resolvePictures } from './artifacts.ts';
import type { PictureRef } from './artifacts.ts';
import { composeContactSheet, composePanels } from '../vision/panels.ts';
import type { RgbImage } from '../media/media-types.ts';
import { encodePng } from '../media/pixels/png.ts';
import type { RunTaskOptions, StageOutcome, StageRunnerOptions } from './stage-environment.ts';

const TYPE_BY_FORMAT = {
  mp4: 'video/mp4',
  webm: 'video/webm',
  gif: 'image/gif',
} as const satisfies Partial<Record<AssembleParams['format'], ArtifactType>>;

/** Labels of the roles, as viewers read them. */
const LABELS = { control: 'control', generated: 'frame by frame', smoothed: 'smoothed' } as const;
type Role = keyof typeof LABELS;
const ROLES: readonly Role[] = ['control', 'generated', 'smoothed'];

/** Makes one output of the job and stores it. */
export async function assembleOutput(
  task: Task,
  options: StageRunnerOptions,
  run: RunTaskOptions,
): Promise<StageOutcome> {
  const params = task.params as unknown as AssembleParams;
  const access = { store: options.store, codecs: new BusyClock() };
  const rows = await Promise.all(
    ROLES.map((role) => resolvePictures(options.store, task.inputs[role] ?? [])),
  );
  switch (params.layout) {
    case 'clip': {
      const smoothed = rows[ROLES.indexOf('smoothed')]!;
      // A sequence is the decoded pictures themselves: nothing to make.
      if (params.format === 'png-sequence')
        return { outputs: { file: smoothed.map(plainRef) }, busySeconds: 0 };
      return encodeMovie(options, run, {
        params,
        count: smoothed.length,
        frame: (i) => readPicture(access, smoothed[i]!),
      });
    }
    case 'comparison':
      return encodeMovie(options, run, {
        params,
        count: rows[0]!.length,
        frame: async (i) => composePanels(await panelsOf(access, rows, i)),
      });
    case 'contact-sheet':
      return makeContactSheet(access, rows);
  }
}

interface Movie {
  readonly params: AssembleParams;
  readonly count: number;
  readonly frame: (index: number) => Promise<RgbImage>;
}

async function encodeMovie(
  options: StageRunnerOptions,
  run: RunTaskOptions,
  movie: Movie,
): Promise<StageOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-assemble-'));
  try {
    const format = movie.params.format as keyof typeof TYPE_BY_FORMAT;
    const path = join(folder, `output.${format}`);
    const first = await movie.frame(0);
    const frames = async function* (): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < movie.count; index += 1) {
        run.signal?.throwIfAborted();
        yield (index === 0 ? first : await movie.frame(index)).rgb;
        run.onProgress?.(index + 1, movie.count);
      }
    };
    const begun = performance.now();
    await options.media.encode(
      {
        path,
        format,
        framesPerSecond: movie.params.framesPerSecond,
        width: first.width,
        height: first.height,
      },
      frames(),
      run.signal === undefined ? {} : { signal: run.signal },
    );
    const busySeconds = (performance.now() - begun) / 1000;
    const { size } = await stat(path);
    const digest = await options.store.putArtifactFile(path);
    const file: ArtifactRef = { digest, bytes: size, type: TYPE_BY_FORMAT[format] };
    return { outputs: { file: [file] }, busySeconds };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeContactSheet(
  access: ArtifactAccess,
  rows: readonly (readonly PictureRef[])[],
): Promise<StageOutcome> {
  const pictures = await Promise.all(
    rows.map((row) => Promise.all(row.map((ref) => readPicture(access, ref)))),
  );
  const sheet = composeContactSheet(
    pictures.map((frames, i) => ({ label: LABELS[ROLES[i]!], frames })),
  );
  const bytes = await access.codecs.during(() => encodePng(sheet));
  const digest = await access.store.putArtifact(bytes);
  const shape = [sheet.height, sheet.width, 3];
  return {
    outputs: { file: [{ digest, bytes: bytes.length, type: 'image/png', shape }] },
    busySeconds: 0,
  };
}

async function panelsOf(
  access: ArtifactAccess,
  rows: readonly (readonly PictureRef[])[],
  index: number,
): Promise<readonly { readonly label: string; readonly image: RgbImage }[]> {
  const images = await Promise.all(rows.map((row) => readPicture(access, row[index]!)));
  return images.map((image, i) => ({ label: LABELS[ROLES[i]!], image }));
}

function plainRef({ digest, bytes, type, shape }: PictureRef): ArtifactRef {
  return shape === undefined ? { digest, bytes, type } : { digest, bytes, type, shape };
}
