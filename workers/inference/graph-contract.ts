// What a graph in each role must look like: names, types, ranks and channels, checked against what the session tells
// before the first run. The contracts are those of optimum's ONNX layout for Stable Diffusion where it has one
// (optimum-onnx, exporters/onnx/model_configs.py) and of models/export for the rest.

import { BivdiffError } from '../../common/errors.ts';
import type { JsonObject } from '../../common/task.ts';
import type { GraphKind, ValueContract } from './graph-kind.ts';
import { describe } from './onnx/onnx-values.ts';
import type { Session, ValueFacts } from './ports.ts';

const TOKENS = 77;
/** Stable Diffusion XL's embedding of a whole text goes as one token more, before which its UNet's graph parts them. */
const TEXTS: ValueContract = {
  types: ['float32', 'float16'],
  shapes: [
    [null, TOKENS, null],
    [null, TOKENS + 1, null],
  ],
};
/** Of the classes of diffusers, where the config does not say. */
const CHANNELS_DEFAULT = 4;

/** A value of floats; null stands for a size that may vary. */
export const floats = (...shape: (number | null)[]): ValueContract => ({
  types: ['float32', 'float16'],
  shapes: [shape],
});
const pictures = floats(null, 3, null, null);
const conditions = {
  // Rank 1 in exports by diffusers' own script.
  timestep: { types: ['float32', 'float16', 'int64'], shapes: [[], [null]] },
  encoder_hidden_states: TEXTS,
} as const satisfies Readonly<Record<string, ValueContract>>;

function channelsOf(config: JsonObject, key: string): number {
  const channels = config[key];
  return typeof channels === 'number' ? channels : CHANNELS_DEFAULT;
}

const framewise = { hasBatch: true, isClip: false };

export const TEXT_ENCODER: GraphKind = {
  name: 'text-encoder',
  ...framewise,
  contract: () => ({
    inputs: { input_ids: { types: ['int64'], shapes: [[null, TOKENS]] } },
    outputs: { last_hidden_state: TEXTS },
  }),
};

export const VAE_ENCODER: GraphKind = {
  name: 'vae-encoder',
  ...framewise,
  convolves: { input: 'sample', isHalved: true },
  contract: (config) => ({
    inputs: { sample: pictures },
    // Mean and log-variance of each latent.
    outputs: {
      latent_parameters: floats(null, 2 * channelsOf(config, 'latent_channels'), null, null),
    },
  }),
};

export const VAE_DECODER: GraphKind = {
  name: 'vae-decoder',
  ...framewise,
  convolves: { input: 'latent_sample', isHalved: false },
  contract: (config) => ({
    inputs: { latent_sample: floats(null, channelsOf(config, 'latent_channels'), null, null) },
    outputs: { sample: pictures },
  }),
};

/** A UNet that sees one frame at a time; `extra`: inputs that only this kind has. */
export function imageUnet(
  name: string,
  extra: Readonly<Record<string, ValueContract>> = {},
): GraphKind {
  return {
    name,
    ...framewise,
    convolves: { input: 'sample', isHalved: true },
    contract: (config) => ({
      inputs: {
        sample: floats(null, channelsOf(config, 'in_channels'), null, null),
        ...conditions,
        ...extra,
      },
      outputs: { out_sample: floats(null, channelsOf(config, 'out_channels'), null, null) },
    }),
  };
}

export const IMAGE_UNET: GraphKind = imageUnet('image-unet');

/** Several frames along axis 2: a video UNet. */
export const CLIP_UNET: GraphKind = {
  name: 'clip-unet',
  hasBatch: true,
  isClip: true,
  convolves: { input: 'sample', isHalved: true },
  contract: clipContract(null),
};

/** The same, but an image UNet inflated over one window of at least two frames: no batch. */
export const INFLATED_UNET: GraphKind = {
  name: 'inflated-unet',
  hasBatch: false,
  isClip: false,
  contract: clipContract(1),
};

function clipContract(batch: number | null): GraphKind['contract'] {
  return (config) => ({
    inputs: {
      sample: floats(batch, channelsOf(config, 'in_channels'), null, null, null),
      ...conditions,
    },
    outputs: {
      out_sample: floats(batch, channelsOf(config, 'out_channels'), null, null, null),
    },
  });
}

/**
 * All ways in which a graph misses its contract, in one error that names graph, value, expected and found.
 * @throws failed-precondition — it does not fit; no worker can help
 */
export function checkGraphContract(
  graph: Omit<Session, 'run'>,
  kind: GraphKind,
  config: JsonObject,
): void {
  const contract = kind.contract(config, graph);
  const problems = [
    ...missesOf('input', graph.inputs, contract.inputs),
    ...strangersOf(graph.inputs, contract.inputs),
    ...missesOf('output', graph.outputs, contract.outputs),
  ];
  if (problems.length === 0) return;
  throw new BivdiffError(
    'failed-precondition',
    `graph ${graph.name} is no ${kind.name}: ${problems.join('; ')}`,
    {
      retry: 'never',
      hint: 'Another model lies in its place, or it was exported otherwise: export it with `models/export`.',
      details: { graph: graph.name, kind: kind.name, problems },
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
