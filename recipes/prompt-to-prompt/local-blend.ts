// LocalBlend of Prompt-to-Prompt: the edit keeps the source's latents but where the frame attends to some words, of the source's prompt or of the
// edited one. Attention is summed over all steps so far, as in the paper's code.

import { BivdiffError } from '../../common/errors.ts';
import type { BetweenSteps } from '../../workers/pipelines/diffusion-loop.ts';
import { sliceBatch } from '../../workers/pipelines/latents.ts';
import { elementCount, floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../workers/tensor/tensor.ts';

export interface LocalBlendOptions {
  /** Positions in the source's prompt and in the edited one; some in each. */
  readonly places: readonly [readonly number[], readonly number[]];
  /** Share of the most attention, 0..1. */
  readonly threshold: number;
}

/** Of samples `[2 * frames, channels, h, w]`: the sources, then the edits. */
export class LocalBlend implements BetweenSteps {
  readonly #options: LocalBlendOptions;
  /** `[2 * frames, positions]`. */
  #total: FloatTensor | undefined;
  #seen: FloatTensor | undefined;

  constructor(options: LocalBlendOptions) {
    this.#options = options;
  }

  /** Attention of the step that is under way: `[2 * frames, positions, 77]`, of the sources and of the edits. Counts when the step is done. */
  see(maps: FloatTensor): void {
    const [entries = 0, positions = 0, length = 0] = maps.shape;
    const seen = floatTensor([entries, positions]);
    const { places } = this.#options;
    seen.data.forEach((_, at) => {
      const isEdit = at >= seen.data.length / 2;
      const row = maps.data.subarray(at * length, (at + 1) * length);
      seen.data[at] = places[isEdit ? 1 : 0].reduce((sum, place) => sum + row[place]!, 0);
    });
    this.#seen = seen;
  }

  apply(sample: FloatTensor): FloatTensor {
    const seen = this.#seen!;
    const before = this.#total?.data;
    const data = seen.data.map((value, at) => value + (before?.[at] ?? 0));
    this.#total = floatTensor(seen.shape, data);
    const mask = maskOf(this.#total, sample.shape, this.#options.threshold);
    return blend(sample, mask);
  }

  saveState(): Readonly<Record<string, FloatTensor>> {
    return this.#total === undefined ? {} : { attention: this.#total };
  }

  restoreState({ attention }: Readonly<Record<string, FloatTensor>>): void {
    if (attention?.shape.length !== 2) {
      throw new BivdiffError('data-loss', 'the checkpoint is of another task');
    }
    this.#total = attention;
  }
}

/** `[frames, h * w]` of 0 and 1: 1 where source or edit attends enough, or next to it. */
function maskOf(
  total: FloatTensor,
  [entries = 0, , height = 0, width = 0]: readonly number[],
  threshold: number,
): FloatTensor {
  const positions = total.shape[1]!;
  const reduction = Math.round(Math.sqrt((height * width) / positions));
  const [rows, columns] = [height / reduction, width / reduction];
  const frames = entries / 2;
  const mask = floatTensor([frames, height * width]);
  for (let entry = 0; entry < entries; entry += 1) {
    const pooled = maxOfNeighbours(sliceBatch(total, entry, entry + 1).data, rows, columns);
    const most = pooled.reduce((a, b) => Math.max(a, b), 0);
    const start = (entry % frames) * height * width;
    for (let at = 0; at < height * width; at += 1) {
      const row = Math.floor(Math.floor(at / width) / reduction);
      const place = row * columns + Math.floor((at % width) / reduction);
      if (Math.fround(pooled[place]! / most) > threshold) mask.data[start + at] = 1;
    }
  }
  return mask;
}

/** Of each place and the eight around it. */
function maxOfNeighbours(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let most = -Infinity;
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y += 1) {
      for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x += 1) {
        most = Math.max(most, values[y * columns + x]!);
      }
    }
    return most;
  });
}

/** The edits where the mask is 1, elsewhere their sources. */
function blend(sample: FloatTensor, mask: FloatTensor): FloatTensor {
  const [, channels = 0, ...size] = sample.shape;
  const pixels = elementCount(size);
  const half = sample.data.length / 2;
  const data = sample.data.slice();
  for (let at = 0; at < half; at += 1) {
    const frame = Math.floor(at / (channels * pixels));
    if (mask.data[frame * pixels + (at % pixels)] === 0) data[half + at] = data[at]!;
  }
  return floatTensor(sample.shape, data);
}
