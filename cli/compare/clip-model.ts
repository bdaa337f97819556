// A CLIP of the user's, exported to ONNX with both its halves in one graph, as `optimum-cli export onnx --model openai/clip-vit-base-patch32` does:
// what pictures and texts have in common, as cosines. Knows nothing of clips.

import { access } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { openOnnxSession } from '../../workers/inference/onnx/onnx-session.ts';
import type { OnnxSession } from '../../workers/inference/onnx/onnx-session.ts';
import { openTokenizer } from '../../workers/inference/tokenizer.ts';
import type { Tokenizer } from '../../workers/inference/ports.ts';
import { middleOf } from '../../workers/media/pixels/middle.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import type { Tensor } from '../../workers/tensor/tensor.ts';

/** Of length 1. */
export type Embedding = Float32Array;

export interface ClipModel extends AsyncDisposable {
  embedText(text: string): Promise<Embedding>;
  /** One of each picture. */
  embedPictures(pictures: readonly RgbImage[]): Promise<readonly Embedding[]>;
}

const side = z.union([
  z.int().positive(),
  z.object({ shortest_edge: z.int().positive() }).transform((one) => one.shortest_edge),
  z
    .object({ height: z.int().positive(), width: z.int().positive() })
    .refine(({ height, width }) => height === width, 'expected a square')
    .transform((one) => one.height),
]);
const channels = z.tuple([z.number(), z.number(), z.number()]);

/** Of transformers' CLIPImageProcessor. */
const processorConfig = z.object({
  size: side,
  crop_size: side.optional(),
  image_mean: channels,
  image_std: channels,
});
type Processor = z.output<typeof processorConfig>;

const INPUTS = ['input_ids', 'pixel_values'];
const OUTPUTS = ['text_embeds', 'image_embeds'];
const PICTURES_AT_ONCE = 8;

/** @throws failed-precondition — a file is missing or damaged, or the graph is no such CLIP @throws not-found — nor is the folder */
export async function openClip(folder: string, threads: number): Promise<ClipModel> {
  const graph = join(folder, 'model.onnx');
  await access(graph).catch((cause: unknown) => {
    throw new BivdiffError('not-found', `--clip: there is no ${graph}`, {
      hint: 'To make such a folder: optimum-cli export onnx --model openai/clip-vit-base-patch32 DIR',
      cause,
    });
  });
  const processor = await readProcessor(join(folder, 'preprocessor_config.json'));
  const own = join(folder, 'tokenizer');
  const isApart = await access(own).then(
    () => true,
    () => false,
  );
  const tokenizer = await openTokenizer(isApart ? own : folder);
  const session = await openOnnxSession({ name: 'clip', graph, threads });
  const names = new Set([...session.inputs, ...session.outputs].map(({ name }) => name));
  const missing = [...INPUTS, ...OUTPUTS].filter((name) => !names.has(name));
  if (missing.length > 0) {
    await session.release();
    throw new BivdiffError('failed-precondition', `--clip: ${graph} has no ${missing.join(', ')}`, {
      retry: 'never',
      hint: 'Both halves of a CLIP in one graph are wanted, as optimum-cli export onnx writes it.',
    });
  }
  return new OnnxClip(session, tokenizer, processor);
}

class OnnxClip implements ClipModel {
  readonly #session: OnnxSession;
  readonly #tokenizer: Tokenizer;
  readonly #processor: Processor;

  constructor(session: OnnxSession, tokenizer: Tokenizer, processor: Processor) {
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#processor = processor;
  }

  async embedText(text: string): Promise<Embedding> {
    const size = this.#processor.crop_size ?? this.#processor.size;
    // The graph wants pictures too, whatever they are.
    const nothing = new Float32Array(3 * size * size);
    const [embedding] = rowsOf(await this.#run(text, nothing, 1), 'text_embeds');
    return embedding!;
  }

  async embedPictures(pictures: readonly RgbImage[]): Promise<readonly Embedding[]> {
    const embeddings: Embedding[] = [];
    for (let start = 0; start < pictures.length; start += PICTURES_AT_ONCE) {
      const some = pictures.slice(start, start + PICTURES_AT_ONCE);
      const each = await Promise.all(some.map((one) => pixelsOf(one, this.#processor)));
      const joined = new Float32Array(each.reduce((sum, one) => sum + one.length, 0));
      each.forEach((one, index) => {
        joined.set(one, index * one.length);
      });
      embeddings.push(...rowsOf(await this.#run('', joined, some.length), 'image_embeds'));
    }
    return embeddings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }

  #run(
    text: string,
    pixels: Float32Array,
    count: number,
  ): Promise<Readonly<Record<string, Tensor>>> {
    const size = this.#processor.crop_size ?? this.#processor.size;
    const ids = this.#tokenizer.encode(text);
    const hasMask = this.#session.inputs.some(({ name }) => name === 'attention_mask');
    const mask = new BigInt64Array(ids.length).fill(1n);
    return this.#session.run({
      input_ids: { type: 'int64', shape: [1, ids.length], data: ids },
      pixel_values: { type: 'float32', shape: [count, 3, size, size], data: pixels },
      // What is behind the end is seen by nothing before it.
      ...(hasMask ? { attention_mask: { type: 'int64', shape: [1, ids.length], data: mask } } : {}),
    });
  }
}

/** Of two embeddings. */
export function cosine(a: Embedding, b: Embedding): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}

async function readProcessor(path: string): Promise<Processor> {
  const text = await readTextFile(path, `reading ${path}`);
  try {
    return processorConfig.parse(JSON.parse(text));
  } catch (cause) {
    throw new BivdiffError('failed-precondition', `--clip: ${path} is no image processor's`, {
      retry: 'never',
      cause,
    });
  }
}

/** As CLIPImageProcessor: the shorter side to the size (bicubic), the middle cut out, normalised. `[3, size, size]`. */
async function pixelsOf(picture: RgbImage, processor: Processor): Promise<Float32Array> {
  const { width, height } = picture;
  const { size, crop_size: crop = size, image_mean: mean, image_std: std } = processor;
  // The longer side is cut down to a whole number, as there.
  const scaled = (own: number, other: number): number =>
    own <= other ? size : Math.floor((size * own) / other);
  const [wide, high] = [scaled(width, height), scaled(height, width)];
  const resized = await middleOf(picture, { width: wide, height: high }, crop);
  const plane = crop * crop;
  const pixels = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) {
      pixels[c * plane + i] = (resized[3 * i + c]! / 255 - mean[c]!) / std[c]!;
    }
  }
  return pixels;
}

function rowsOf(outputs: Readonly<Record<string, Tensor>>, name: string): readonly Embedding[] {
  const tensor = outputs[name];
  const [rows = 0, width = 0] = tensor?.shape ?? [];
  if (tensor?.type !== 'float32' || tensor.shape.length !== 2) {
    throw new BivdiffError('failed-precondition', `--clip: ${name} is no list of embeddings`, {
      retry: 'never',
    });
  }
  return Array.from({ length: rows }, (_, row) =>
    unit(tensor.data.slice(row * width, (row + 1) * width)),
  );
}

function unit(values: Float32Array): Embedding {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return values.map((value) => value / norm);
}
