// What a spec takes of a model set, and whether that fits. Pure; problems are `field: what`.

import type {
  ModelDefaults,
  ModelPart,
  ModelSet,
  VideoModel,
} from '../../common/models/model-set.ts';
import type { ProblemSink } from '../../common/problems.ts';
import type { NormScope } from '../../common/stages.ts';
import { partRef } from '../../recipes/pipeline/generator-parts.ts';
import type { BridgeModels } from '../../recipes/pipeline/job-base.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';

export function checkSize(
  size: { width: number; height: number },
  models: ModelSet,
  problems: ProblemSink,
): void {
  const multiple = models.sizeMultiple;
  if (size.width % multiple === 0 && size.height % multiple === 0) return;
  const nearest = (pixels: number): number =>
    Math.max(multiple, Math.round(pixels / multiple) * multiple);
  problems.push(
    `size: ${size.width}x${size.height} does not fit these models, which take multiples of ${multiple}; ` +
      `the nearest is ${nearest(size.width)}x${nearest(size.height)}`,
  );
}

export function chooseVideo(
  spec: RenderSpec,
  models: ModelSet,
  problems: ProblemSink,
): VideoModel | undefined {
  const name = spec.videoModel ?? models.defaultVideo;
  const video = models.videos[name];
  if (video === undefined) {
    problems.push(
      `videoModel: no video model ${name} in ${models.folder} (there: ${Object.keys(models.videos).join(', ')})`,
    );
  }
  return video;
}

export function checkWindow(
  window: number,
  video: VideoModel | undefined,
  problems: ProblemSink,
): void {
  const { name, windowMax = Infinity } = video ?? {};
  if (video === undefined || window <= windowMax) return;
  problems.push(
    `window: ${window} frames, but the video model ${name} knows positions of ${windowMax} at most; ask for a window of up to ${windowMax}`,
  );
}

/** The set's, but for those that the video model has its own of. */
export function defaultsOf({ defaults }: ModelSet, video: VideoModel | undefined): ModelDefaults {
  const own = Object.entries(video?.defaults ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(own) };
}

/** Norm scope `window` inverts by the inflated UNet, `frame` by the plain one. */
export function chooseInversionUnet(
  normScope: NormScope,
  { image, folder }: ModelSet,
  problems: ProblemSink,
): ModelPart | undefined {
  const unet = normScope === 'window' ? image.unetInflated : image.unet;
  if (unet === undefined) {
    problems.push(
      `inversion.normScope: the models in ${folder} have no inflated UNet; choose frame, or export one`,
    );
  }
  return unet;
}

/** What every job names of its set. */
export function bridgeModels(
  { image }: ModelSet,
  video: VideoModel,
  inversionUnet: ModelPart,
): BridgeModels {
  return {
    tokenizer: partRef(image.tokenizer),
    textEncoder: partRef(image.textEncoder),
    inversionUnet: partRef(inversionUnet),
    vaeEncoder: partRef(image.vaeEncoder),
    vaeDecoder: partRef(image.vaeDecoder),
    scheduler: partRef(image.scheduler),
    videoTokenizer: partRef(video.tokenizer),
    videoTextEncoder: partRef(video.textEncoder),
    videoUnet: partRef(video.unet),
  };
}
