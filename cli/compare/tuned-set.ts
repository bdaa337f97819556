// Tune-A-Video, a baseline of the paper (arXiv 2212.11565): a model is tuned on a source and what it shows, and draws the inverted source by the
// spec's prompt. The set with the tuned model is kept in the cache's folder, so that the same source is tuned on once.

import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';

import { cacheHome } from '../../common/cache-home.ts';
import { canonicalJson } from '../../common/canonical-json.ts';
import { digestFile, digestText } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { ownName, removeLeftovers } from '../../common/files/leftovers.ts';
import type { ModelPart } from '../../common/models/model-set.ts';
import { cannotWrite } from '../../common/write-failure.ts';
import { COMMON_FIELDS } from '../../recipes/spec/fields.ts';
import { parseRenderSpec } from '../../recipes/spec/parse.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { frames } from '../../recipes/specs.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import type { Accepted } from '../farm.ts';
import { roundtripToFile } from '../local/roundtrip-to-file.ts';
import { runTuner } from './tuner.ts';
import type { Tuner } from './tuner.ts';

/** Of the video model in its set. */
const NAME = 'tune-a-video';
/** What makes another model of the same clip, in the folder of the tuner. */
const TUNING = ['export/tune_a_video.py', 'train/tune_a_video.py', 'video/tune_a_video.py'];
const MAKING = 'making-';
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export interface Tuning {
  readonly tuner: Tuner;
  readonly steps: number;
  readonly signal: AbortSignal;
  /** Called before it tunes, where that was not done before. */
  readonly onStart: () => void;
  /** Takes what it says on its way. */
  readonly onLine: (line: string) => void;
}

/**
 * The folder of `accepted`'s model set with a video model more, tuned on the frames that it renders. `text` says what they show. Sets that were
 * used by nobody for 30 days are removed.
 * @throws failed-precondition — Python failed @throws cancelled — nothing of it is left
 */
export async function tunedSet(
  { job, spec, models }: Accepted,
  text: string,
  { tuner, steps, signal, onStart, onLine }: Tuning,
): Promise<string> {
  const folder = join(cacheHome(), 'tuned');
  const { width, height, frames: count, resize } = job;
  const tuning = TUNING.map((file) => digestFile(join(tuner.modelsFolder, file)));
  // A page that shows the spec says the last name of the set's path.
  const name = `tuned-on-${basename(spec.input.path, extname(spec.input.path))}`;
  const key = digestText(
    canonicalJson({
      ...{ name, source: job.source, width, height, frames: count, resize, text, steps },
      parts: Object.values<ModelPart>({ ...models.image }).map(({ digest }) => digest),
      defaults: models.defaults,
      tuning: await Promise.all(tuning),
    }),
  ).slice(0, 32);
  const entry = join(folder, key);
  await removeUnused(folder);
  if (await isKept(entry)) return join(entry, name);
  onStart();
  const making = join(folder, await ownName(MAKING, ''));
  try {
    await mkdir(join(making, 'entry'), { recursive: true });
    const clip = join(making, 'clip.mkv');
    await writeClip({ job, spec }, clip, signal);
    const words = {
      ...{ clip, prompt: text, models: models.folder, out: join(making, 'entry', name) },
      ...{ frames: count, stride: 1, size: `${width}x${height}`, steps, name: NAME },
    };
    const flags = Object.entries(words).map(([flag, value]) => `--${flag}=${value}`);
    await runTuner(tuner, flags, { signal, onLine });
    await rename(join(making, 'entry'), entry).catch(async (reason: unknown) => {
      // Another process has made the same meanwhile.
      if (!(await isKept(entry))) throw reason;
    });
  } catch (reason) {
    throw reason instanceof BivdiffError ? reason : cannotWrite(making, reason);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return join(entry, name);
}

/** Settings of the bridge between two models, and of windows: a clip is tuned on as one. */
const UNUSED = [
  ...['mixingRatio', 'bridging', 'videoGuidanceScale'],
  ...['window', 'windowStride', 'windowBlock', 'long'],
];

/** The render of the source by the tuned model in `set`: what else `spec` says counts for it too. */
export function tunedSpec(spec: RenderSpec, set: string): RenderSpec {
  const fields = [...Object.keys(COMMON_FIELDS), ...Object.keys(frames.fields)];
  const kept = Object.entries(spec).filter(
    ([field]) => fields.includes(field) && !UNUSED.includes(field),
  );
  const own = { task: frames.name, models: set, videoModel: NAME };
  return parseRenderSpec({ ...Object.fromEntries(kept), ...own }, 'the render by the tuned model');
}

/** The frames that are rendered, in their size, without loss. */
async function writeClip(
  { job, spec }: Pick<Accepted, 'job' | 'spec'>,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  await using media = createMediaService();
  const { width, height, frames: count, resize } = job;
  const { path: input, start, stride } = spec.input;
  const framesPerSecond = 8;
  await roundtripToFile({
    ...{ media, signal, overwrite: false, onFrame: () => undefined },
    request: {
      ...{ input, output, start, stride, resize, framesPerSecond, keepsSound: false },
      ...{ frames: count, size: { width, height }, format: 'mkv', nameOf: (field) => field },
    },
    plan: { frames: count, width, height, framesPerSecond, keepAlpha: false },
  });
}

/** Whether it is there; counts it as used now. */
async function isKept(entry: string): Promise<boolean> {
  const now = new Date();
  return utimes(entry, now, now).then(
    () => true,
    () => false,
  );
}

async function removeUnused(folder: string): Promise<void> {
  await removeLeftovers(folder, MAKING);
  for (const name of await readdir(folder).catch((): string[] => [])) {
    if (name.startsWith(MAKING)) continue;
    const used = await stat(join(folder, name)).catch(() => undefined);
    if (used === undefined || Date.now() - used.mtimeMs < KEPT_MS) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
