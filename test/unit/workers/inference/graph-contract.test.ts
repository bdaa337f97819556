import { describe, expect, it } from 'vitest';

import { controlnetUnet } from '../../../../recipes/controlnet/graphs.ts';
import {
  checkGraphContract,
  CLIP_UNET,
  IMAGE_UNET,
  TEXT_ENCODER,
  VAE_DECODER,
  VAE_ENCODER,
} from '../../../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../../../workers/inference/graph-kind.ts';
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
    checkGraphContract(graph, IMAGE_UNET, {});
  });

  it.each<[string, GraphKind, ReturnType<typeof unet>, string]>([
    [
      'a missing input',
      IMAGE_UNET,
      unet({ inputs: [value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found only timestep, encoder_hidden_states',
    ],
    [
      'a wrong name, from both sides',
      IMAGE_UNET,
      unet({ inputs: [value('latents', ['b', 4, 'h', 'w']), value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found only latents, timestep, encoder_hidden_states; ' +
        'input latents: expected none; found float32 [b, 4, h, w]',
    ],
    [
      'wrong channels',
      IMAGE_UNET,
      unet({ inputs: [value('sample', ['b', 9, 'h', 'w']), value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found float32 [b, 9, h, w]',
    ],
    [
      'a wrong rank: a video UNet for frames',
      IMAGE_UNET,
      unet({ inputs: [value('sample', ['b', 4, 'f', 'h', 'w']), value('timestep', []), text] }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found float32 [b, 4, f, h, w]',
    ],
    [
      'a wrong rank: an image UNet for clips',
      CLIP_UNET,
      unet(),
      'input sample: expected float32 or float16 [*, 4, *, *, *]; found float32 [batch, 4, height, width]; ' +
        'output out_sample: expected float32 or float16 [*, 4, *, *, *]; found float32 [batch, 4, height, width]',
    ],
    [
      'a wrong type',
      IMAGE_UNET,
      unet({
        inputs: [value('sample', ['b', 4, 'h', 'w'], 'uint8'), value('timestep', [1, 1]), text],
      }),
      'input sample: expected float32 or float16 [*, 4, *, *]; found uint8 [b, 4, h, w]; ' +
        'input timestep: expected float32 or float16 or int64 [] or [*]; found float32 [1, 1]',
    ],
    [
      'a ControlNet that is not fused in',
      controlnetUnet(1),
      unet(),
      'input controlnet_conds: expected float32 or float16 [1, *, 3, *, *]; found only sample, timestep, encoder_hidden_states; ' +
        'input conditioning_scales: expected float32 or float16 [1]; found only sample, timestep, encoder_hidden_states',
    ],
    [
      'one ControlNet where two are needed',
      controlnetUnet(2),
      unet({
        inputs: [
          ...[value('sample', ['b', 4, 'h', 'w']), value('timestep', []), text],
          value('controlnet_conds', [1, 'b', 3, 'h', 'w']),
          value('conditioning_scales', [1]),
        ],
      }),
      'input controlnet_conds: expected float32 or float16 [2, *, 3, *, *]; found float32 [1, b, 3, h, w]; ' +
        'input conditioning_scales: expected float32 or float16 [2]; found float32 [1]',
    ],
    [
      'a wrong output',
      IMAGE_UNET,
      unet({ outputs: [value('noise_pred', [])] }),
      'output out_sample: expected float32 or float16 [*, 4, *, *]; found only noise_pred',
    ],
  ])('names graph, value, expected and found: %s', (_, kind, graph, problems) => {
    expect(() => checkGraphContract(graph, kind, {})).toThrow(
      expect.objectContaining({
        code: 'failed-precondition',
        retry: 'never',
        message: `graph image/unet is no ${kind.name}: ${problems}`,
      }) as Error,
    );
  });

  it.each<[GraphKind, readonly ValueFacts[], readonly ValueFacts[]]>([
    [
      TEXT_ENCODER,
      [value('input_ids', ['batch', 77], 'int64')],
      [value('last_hidden_state', ['batch', 77, 64]), value('pooler_output', ['batch', 64])],
    ],
    [VAE_ENCODER, [value('sample', ['b', 3, 'h', 'w'])], [value('latent_parameters', [])]],
    [VAE_DECODER, [value('latent_sample', ['b', 4, 'h', 'w'])], [value('sample', [])]],
  ])('accepts a $0.name', (kind, inputs, outputs) => {
    checkGraphContract({ name: 'part', inputs, outputs }, kind, {});
  });

  it('takes the channels from the config of the part', () => {
    const nine = (channels: number) =>
      unet({ inputs: [value('sample', ['b', channels, 'h', 'w']), value('timestep', []), text] });
    checkGraphContract(nine(9), IMAGE_UNET, { in_channels: 9 });
    expect(() => checkGraphContract(nine(8), IMAGE_UNET, { in_channels: 9 })).toThrow(
      /expected float32 or float16 \[\*, 9, \*, \*\]; found float32 \[b, 8, h, w\]/,
    );
    const encoder = (channels: number) => ({
      name: 'vae',
      inputs: [value('sample', ['b', 3, 'h', 'w'])],
      outputs: [value('latent_parameters', ['b', channels, 'h', 'w'])],
    });
    checkGraphContract(encoder(32), VAE_ENCODER, { latent_channels: 16 });
    expect(() => checkGraphContract(encoder(8), VAE_ENCODER, { latent_channels: 16 })).toThrow(
      /expected float32 or float16 \[\*, 32, \*, \*\]/,
    );
  });
});
