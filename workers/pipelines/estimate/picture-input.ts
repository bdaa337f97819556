// A frame as an annotator takes it: resized and normalised as a config says that stands beside the graph, under the keys of transformers'
// image processors.

import { z } from 'zod';

import { BivdiffError } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/task.ts';
import type { RgbImage } from '../../media/media-types.ts';
import { resample } from '../../vision/resample.ts';
import type { PlaneSize } from '../../vision/resample.ts';

/** PIL's numbers for filters. */
const FILTERS = { 2: 'bilinear', 3: 'bicubic' } as const;
const side = z.int().min(1).max(8192);
const channels = z.union([z.number(), z.array(z.number()).length(3)]);

const CONFIG = z
  .object({
    size: z.union([side, z.object({ height: side, width: side })]).optional(),
    resample: z.union([z.literal(2), z.literal(3)]).default(3),
    keep_aspect_ratio: z.boolean().default(false),
    ensure_multiple_of: side.default(1),
    do_rescale: z.boolean().default(true),
    rescale_factor: z
      .number()
      .positive()
      .default(1 / 255),
    do_normalize: z.boolean().default(true),
    image_mean: channels.optional(),
    image_std: channels.optional(),
  })
  .superRefine((config, context) => {
    for (const key of ['image_mean', 'image_std'] as const) {
      // Guessed, the model would see other pictures than it knows, and nobody would be told.
      if (!config.do_normalize || config[key] !== undefined) continue;
      context.addIssue({
        code: 'custom',
        path: [key],
        message: 'is missing, and do_normalize is not false',
      });
    }
  });

export interface Preparation {
  readonly config: z.output<typeof CONFIG>;
  /** What the graph itself fixes; goes before the config. */
  readonly fixed: PlaneSize | undefined;
}

/** `part`: for errors. @throws failed-precondition — the config is of another kind; lists all that is wrong */
export function preparationOf(
  config: JsonObject,
  { part, shape }: { readonly part: string; readonly shape: readonly (number | string)[] },
): Preparation {
  const found = CONFIG.safeParse(config);
  const [, , height, width] = shape;
  const fixed =
    typeof height === 'number' && typeof width === 'number' ? { width, height } : undefined;
  if (found.success) return { config: found.data, fixed };
  const lines = found.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new BivdiffError(
    'failed-precondition',
    `${part}: its config does not say how pictures are given to it: ${lines.join('; ')}`,
    {
      retry: 'never',
      hint: 'Put the preprocessor_config.json of its publisher beside the graph; docs/annotators.md lists the keys.',
    },
  );
}

/** The size at which it sees a frame. */
export function sizeFor(frame: PlaneSize, { config, fixed }: Preparation): PlaneSize {
  if (fixed !== undefined) return fixed;
  const { size, ensure_multiple_of: multiple } = config;
  const wanted =
    size === undefined ? frame : typeof size === 'number' ? { width: size, height: size } : size;
  let [across, down] = [wanted.width / frame.width, wanted.height / frame.height];
  // As little scaled as can be: the side that changes less decides (transformers, image_processing_dpt.py).
  if (config.keep_aspect_ratio) {
    if (Math.abs(1 - across) < Math.abs(1 - down)) down = across;
    else across = down;
  }
  return {
    width: multipleOf(frame.width * across, multiple),
    height: multipleOf(frame.height * down, multiple),
  };
}

/** `[3, height, width]`, appended by whoever makes a batch. */
export function preparedPicture(
  { rgb, width, height }: RgbImage,
  size: PlaneSize,
  { config }: Preparation,
): Float32Array {
  const pixels = size.width * size.height;
  const prepared = new Float32Array(3 * pixels);
  const isSame = size.width === width && size.height === height;
  const factor = config.do_rescale ? config.rescale_factor : 1;
  for (let channel = 0; channel < 3; channel += 1) {
    const plane = Float64Array.from({ length: width * height }, (_, i) => rgb[3 * i + channel]!);
    const filter = FILTERS[config.resample];
    const resized = isSame ? plane : resample(plane, { from: { width, height }, to: size, filter });
    const mean = config.do_normalize ? valueOf(config.image_mean ?? 0, channel) : 0;
    const deviation = config.do_normalize ? valueOf(config.image_std ?? 1, channel) : 1;
    for (let i = 0; i < pixels; i += 1) {
      // A picture has whole levels, so a resized one too.
      const level = Math.min(255, Math.max(0, Math.round(resized[i]!)));
      prepared[channel * pixels + i] = (level * factor - mean) / deviation;
    }
  }
  return prepared;
}

function multipleOf(pixels: number, multiple: number): number {
  return Math.max(multiple, Math.round(pixels / multiple) * multiple);
}

function valueOf(values: number | readonly number[], channel: number): number {
  return typeof values === 'number' ? values : values[channel]!;
}
