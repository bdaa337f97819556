import { describe, expect, it } from 'vitest';

import { checkGraphContract, graphKindOf } from '../../../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../../../workers/inference/graph-contract.ts';
import type { ValueFacts } from '../../../../workers/inference/ports.ts';

type Shape = readonly (number | string)[];

const text: ValueFacts = {
  name: 'encoder_hidden_states',
  type: 'float32',
  shape: ['batch', 'sequence', 64],
};

function value(name: string, shape: Shape, type: ValueFacts['type'] = 'float32'): ValueFacts {
  return { name, type, shape };
}

function unet(changes: { inputs?: readonly ValueFacts[]; outputs?: readonly ValueFacts[] } = {}) {
  return {
    name: 'image/unet',
    inputs: changes.inputs ?? [
      value('sample', ['batch', 4, 'height', 'width']),
      value('timestep', []),
      text,
    ],
    outputs: changes.outputs ?? [value('out_sample', ['batch', 4, 'height', 'width'])],
  };
}

describe('the contract of a graph', () => {
  it.each<[string, ReturnType<typeof unet>]>([
    ['as our exporter writes it', unet()],
    [
      'with a timestep for each of the batch',
      unet({
        inputs: [value('sample', ['b', 4, 'h', 'w']), value('timestep', ['b'], 'int64'), text],
      }),
    ],
    [
      'in float16, all sizes symbolic, its output without a shape',
      unet({
        inputs: [
          value('sample', ['b', 'c', 'h', 'w'], 'float16'),
          value('timestep', [], 'float16'),
          { ...text, type: 'float16', shape: ['', '', ''] },
        ],
        outputs: [value('out_sample', [], 'float16')],
      }),
    ],
  ])('accepts an image UNet %s', (_, graph) => {
    checkGraphContract(graph, 'image-unet');
  });

  it.each<[string, GraphKind, ReturnType<typeof unet>, string]>([
    [
      'a missing input',
      'image-unet',
      unet({ inputs: [value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found only timestep, encoder_hidden_states',
    ],
    [
      'a wrong name, from both sides',
      'image-unet',
      unet({ inputs: [value('latents', ['b', 4, 'h', 'w']), value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found only latents, timestep, encoder_hidden_states; ' +
        'input latents: expected none; found float32 [b, 4, h, w]',
    ],
    [
      'wrong channels',
      'image-unet',
      unet({ inputs: [value('sample', ['b', 9, 'h', 'w']), value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found float32 [b, 9, h, w]',
    ],
    [
      'a wrong rank: a video UNet for frames',
      'image-unet',
      unet({ inputs: [value('sample', ['b', 4, 'f', 'h', 'w']), value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found float32 [b, 4, f, h, w]',
    ],
    [
      'a wrong rank: an image UNet for clips',
      'clip-unet',
      unet(),
      'input sample: expected float32 or float16 [*, 4, *, *, *]; found float32 [batch, 4, height, width]; ' +
        'output out_sample: expected float32 or float16 [*, 4, *, *, *]; found float32 [batch, 4, height, width]',
    ],
    [
      'a wrong type',
      'image-unet',
      unet({
        inputs: [value('sample', ['b', 4, 'h', 'w'], 'uint8'), value('timestep', [1, 1]), text],
      }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found uint8 [b, 4, h, w]; ' +
        'input timestep: expected float32 or float16 or int64 [] or [*]; found float32 [1, 1]',
    ],
    [
      'a ControlNet that is not fused in',
      'controlnet-unet',
      unet(),
      'input controlnet_conds: expected float32 or float16 [*, *, 3, *, *]; found only sample, timestep, encoder_hidden_states; ' +
        'input conditioning_scales: expected float32 or float16 [*]; found only sample, timestep, encoder_hidden_states',
    ],
    [
      'a wrong output',
      'image-unet',
      unet({ outputs: [value('noise_pred', [])] }),
      'output out_sample: expected float32 or float16 [*, 4, *, *]; found only noise_pred',
    ],
  ])('names graph, value, expected and found: %s', (_, kind, graph, problems) => {
    expect(() => checkGraphContract(graph, kind)).toThrow(
      expect.objectContaining({
        code: 'failed-precondition',
        retry: 'never',
        message: `graph image/unet is no ${kind}: ${problems}`,
      }) as Error,
    );
  });

  it.each<[GraphKind, readonly ValueFacts[], readonly ValueFacts[]]>([
    [
      'text-encoder',
      [value('input_ids', ['batch', 77], 'int64')],
      [value('last_hidden_state', ['batch', 77, 64]), value('pooler_output', ['batch', 64])],
    ],
    ['vae-encoder', [value('sample', ['b', 3, 'h', 'w'])], [value('latent_parameters', [])]],
    ['vae-decoder', [value('latent_sample', ['b', 4, 'h', 'w'])], [value('sample', [])]],
  ])('accepts a %s', (kind, inputs, outputs) => {
    checkGraphContract({ name: 'part', inputs, outputs }, kind);
  });
});

describe('the kind of graph that a role needs', () => {
  it.each([
    ['generate', 'unet', {}, 'controlnet-unet'],
    ['invert-image', 'unet', { normScope: 'frame' }, 'image-unet'],
    ['invert-image', 'unet', { normScope: 'window' }, 'inflated-unet'],
    ['invert-video', 'unet', {}, 'clip-unet'],
    ['smooth', 'unet', {}, 'clip-unet'],
    ['smooth', 'text-encoder', {}, 'text-encoder'],
    ['encode', 'vae-encoder', {}, 'vae-encoder'],
    ['decode', 'vae-decoder', {}, 'vae-decoder'],
    ['decode', 'anything', {}, undefined],
    ['knit', 'unet', {}, undefined],
  ])('of %s, %s, %j is %s', (stage, role, params, kind) => {
    expect(graphKindOf(stage, role, params)).toBe(kind);
  });
});
