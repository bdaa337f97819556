// Whether the weights of one model of diffusers or transformers are there, in any form that the exporter reads
// (models/export/inputs/weight_files.py): safetensors or torch's pickles, whole or in parts, maybe of a variant.

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { COPY_AGAIN } from './foreign.ts';
import type { ForeignProblem } from './foreign.ts';
import { pointerProblem, readSafetensors } from './safetensors-header.ts';

export interface FoundWeights {
  readonly problems: readonly ForeignProblem[];
  /** That of which alone there are weights, `fp16` say. */
  readonly variant?: string;
}

const STEMS = [
  'diffusion_pytorch_model.safetensors',
  'diffusion_pytorch_model.bin',
  'model.safetensors',
  'pytorch_model.bin',
];
const VARIANT =
  /^(?:diffusion_pytorch_model|model|pytorch_model)(?:\.(?:safetensors|bin)\.index)?\.([\w-]+?)(?:-\d+-of-\d+)?\.(?:safetensors|bin|json)$/;
/** Weights that torch does not read. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/\.msgpack$/, 'Flax'],
  [/\.h5$/, 'TensorFlow'],
  [/\.onnx$/, 'ONNX'],
  [/^openvino_model\.xml$/, 'OpenVINO'],
  [/\.mlpackage$|\.mlmodelc$/, 'Core ML'],
  [/\.gguf$/, 'GGUF'],
];

/** What is wrong with the weights in a model's folder. */
export async function findWeights(folder: string): Promise<FoundWeights> {
  const names = (await readdir(folder)).sort();
  const whole = STEMS.find((name) => names.includes(name));
  if (whole !== undefined) return { problems: await checkFile(join(folder, whole)) };
  const index = STEMS.map((name) => `${name}.index.json`).find((name) => names.includes(name));
  if (index !== undefined) return { problems: await checkParts(folder, names, index) };
  const variants = new Set(names.map((name) => VARIANT.exec(name)?.[1]));
  variants.delete(undefined);
  variants.delete('index');
  const [variant] = variants;
  if (variant !== undefined) return { problems: [], variant };
  const other = OTHERS.find(([mark]) => names.some((name) => mark.test(name)))?.[1];
  const problem = other === undefined ? 'has no weights' : `has weights for ${other} alone`;
  return { problems: [{ path: folder, problem, hint: 'Download its .safetensors files, too.' }] };
}

async function checkFile(path: string): Promise<readonly ForeignProblem[]> {
  const found = path.endsWith('.safetensors')
    ? await readSafetensors(path)
    : await pointerProblem(path);
  return found === undefined || 'shapes' in found ? [] : [found];
}

async function checkParts(
  folder: string,
  names: readonly string[],
  index: string,
): Promise<readonly ForeignProblem[]> {
  const path = join(folder, index);
  const parts = partsIn(await readFile(path, 'utf8'));
  if (parts === undefined) {
    return [{ path, problem: 'is no index of weights, or was cut off', hint: COPY_AGAIN }];
  }
  const missing = parts.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    const count = `${String(missing.length)} of ${String(parts.length)}`;
    const problem = `names ${missing[0]!}, which is not there (missing: ${count})`;
    return [{ path, problem, hint: 'Copy the missing files there.' }];
  }
  return (await Promise.all(parts.map(async (name) => checkFile(join(folder, name))))).flat();
}

function partsIn(text: string): readonly string[] | undefined {
  try {
    const { weight_map: map } = JSON.parse(text) as { weight_map: Record<string, string> };
    return [...new Set(Object.values(map).map((name) => basename(name)))].sort();
  } catch {
    return undefined;
  }
}
