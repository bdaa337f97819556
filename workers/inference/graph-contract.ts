// What a graph in each role must look like: names, types, ranks and channels, checked against what the session tells
// before the first run. The contracts are those of optimum's ONNX layout for Stable Diffusion where it has one
// (optimum-onnx, exporters/onnx/model_configs.py) and of models/export for the rest.

import { BivdiffError } from '../../common/errors.ts';
import type { TensorType } from '../tensor/tensor.ts';
import { describe } from './onnx/onnx-values.ts';
import type { Session, ValueFacts } from './ports.ts';

/**
 * - `text-encoder`, `vae-encoder`, `vae-decoder`: as in Stable Diffusion
 * - `image-unet`: one frame at a time
 * - `controlnet-unet`: the same with ControlNets fused in
 * - `clip-unet`: several frames along axis 2: a video UNet
 * - `inflated-unet`: the same, but an image UNet inflated over one window: no batch
 */
export type GraphKind =
  | 'text-encoder'
  | 'vae-encoder'
  | 'vae-decoder'
  | 'image-unet'
  | 'controlnet-unet'
  | 'clip-unet'
  | 'inflated-unet';

interface ValueContract {
  readonly types: readonly TensorType[];
  /** Any of these; null stands for a size that may vary. */
  readonly shapes: readonly (readonly (number | null)[])[];
}

interface GraphContract {
  /** These and no others. */
  readonly inputs: Readonly<Record<string, ValueContract>>;
  /** At least these. */
  readonly outputs: Readonly<Record<string, ValueContract>>;
}

const TOKENS = 77;
const LATENT_CHANNELS = 4;

const floats = (...shape: (number | null)[]): ValueContract => ({
  types: ['float32', 'float16'],
  shapes: [shape],
});
const pictures = floats(null, 3, null, null);
const latents = floats(null, LATENT_CHANNELS, null, null);
const clipLatents = floats(null, LATENT_CHANNELS, null, null, null);
const windowLatents = floats(1, LATENT_CHANNELS, null, null, null);
const conditions = {
  // Rank 1 in exports by diffusers' own script.
  timestep: { types: ['float32', 'float16', 'int64'], shapes: [[], [null]] },
  encoder_hidden_states: floats(null, TOKENS, null),
} as const satisfies Readonly<Record<string, ValueContract>>;

const contracts: Readonly<Record<GraphKind, GraphContract>> = {
  'text-encoder': {
    inputs: { input_ids: { types: ['int64'], shapes: [[null, TOKENS]] } },
    outputs: { last_hidden_state: floats(null, TOKENS, null) },
  },
  'vae-encoder': {
    inputs: { sample: pictures },
    outputs: { latent_parameters: floats(null, 2 * LATENT_CHANNELS, null, null) },
  },
  'vae-decoder': { inputs: { latent_sample: latents }, outputs: { sample: pictures } },
  'image-unet': { inputs: { sample: latents, ...conditions }, outputs: { out_sample: latents } },
  'controlnet-unet': {
    inputs: {
      sample: latents,
      ...conditions,
      controlnet_conds: floats(null, null, 3, null, null),
      conditioning_scales: floats(null),
    },
    outputs: { out_sample: latents },
  },
  'clip-unet': {
    inputs: { sample: clipLatents, ...conditions },
    outputs: { out_sample: clipLatents },
  },
  'inflated-unet': {
    inputs: { sample: windowLatents, ...conditions },
    outputs: { out_sample: windowLatents },
  },
};

/** Whether its inputs' first axis is a batch, all of whose samples are computed alike. */
export function hasBatch(kind: GraphKind): boolean {
  return kind !== 'inflated-unet';
}

/** Which contract a role of a stage has; undefined if none is known for it. */
export function graphKindOf(stage: string, role: string, params: unknown): GraphKind | undefined {
  if (role === 'text-encoder' || role === 'vae-encoder' || role === 'vae-decoder') return role;
  if (role !== 'unet') return undefined;
  switch (stage) {
    case 'generate':
      return 'controlnet-unet';
    case 'invert-image':
      return isPerFrame(params) ? 'image-unet' : 'inflated-unet';
    case 'invert-video':
    case 'smooth':
      return 'clip-unet';
    default:
      return undefined;
  }
}

function isPerFrame(params: unknown): boolean {
  return (
    typeof params === 'object' &&
    params !== null &&
    'normScope' in params &&
    params.normScope === 'frame'
  );
}

/**
 * All ways in which a graph misses its contract, in one error that names graph, value, expected and found.
 * @throws failed-precondition — it does not fit; no worker can help
 */
export function checkGraphContract(graph: Omit<Session, 'run'>, kind: GraphKind): void {
  const contract = contracts[kind];
  const problems = [
    ...missesOf('input', graph.inputs, contract.inputs),
    ...strangersOf(graph.inputs, contract.inputs),
    ...missesOf('output', graph.outputs, contract.outputs),
  ];
  if (problems.length === 0) return;
  throw new BivdiffError(
    'failed-precondition',
    `graph ${graph.name} is no ${kind}: ${problems.join('; ')}`,
    {
      retry: 'never',
      hint: 'Another model lies in its place, or it was exported otherwise: export it with `models/export`.',
      details: { graph: graph.name, kind, problems },
    },
  );
}

function missesOf(
  side: 'input' | 'output',
  values: readonly ValueFacts[],
  contract: Readonly<Record<string, ValueContract>>,
): string[] {
  return Object.entries(contract).flatMap(([name, expected]) => {
    const found = values.find((value) => value.name === name);
    if (found !== undefined && fits(found, expected, side)) return [];
    const present = found === undefined ? `only ${names(values)}` : describe(found);
    return [`${side} ${name}: expected ${describeContract(expected)}; found ${present}`];
  });
}

function strangersOf(
  values: readonly ValueFacts[],
  contract: Readonly<Record<string, ValueContract>>,
): string[] {
  return values
    .filter(({ name }) => contract[name] === undefined)
    .map((value) => `input ${value.name}: expected none; found ${describe(value)}`);
}

function fits(found: ValueFacts, expected: ValueContract, side: 'input' | 'output'): boolean {
  if (!expected.types.includes(found.type)) return false;
  // Exporters often leave the shape of an output out, which the session tells as rank 0.
  if (side === 'output' && found.shape.length === 0) return true;
  return expected.shapes.some((shape) => {
    return (
      shape.length === found.shape.length &&
      shape.every((size, axis) => {
        const there = found.shape[axis];
        return size === null || typeof there === 'string' || there === size;
      })
    );
  });
}

function names(values: readonly ValueFacts[]): string {
  return values.map(({ name }) => name).join(', ');
}

function describeContract({ types, shapes }: ValueContract): string {
  const each = shapes.map((shape) => `[${shape.map((size) => size ?? '*').join(', ')}]`);
  return `${types.join(' or ')} ${each.join(' or ')}`;
}
