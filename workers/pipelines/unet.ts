// One call of a UNet, of whatever kind: plain, with ControlNets, over a clip.

import { BivdiffError } from '../../common/errors.ts';
import type { JsonObject } from '../../common/task.ts';
import type { Session } from '../inference/ports.ts';
import { floatTensor } from '../tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../tensor/tensor.ts';
import { floatOutput } from './graph-outputs.ts';

export interface UnetCall {
  /** `[batch, channels, h, w]` or `[1, channels, frames, h, w]`. */
  readonly sample: FloatTensor;
  readonly timestep: number;
  /** `[batch, 77, width]`. */
  readonly text: FloatTensor;
  /** Inputs that only some UNets have. */
  readonly conditions?: Readonly<Record<string, Tensor>>;
}

/** The model's output, of the sample's shape. */
export async function runUnet(session: Session, call: UnetCall): Promise<FloatTensor> {
  const outputs = await session.run(unetFeeds(session, call));
  return floatOutput(outputs, 'out_sample', session.name);
}

/** For UNets of which more is wanted than the noise. */
export function unetFeeds(session: Session, call: UnetCall): Readonly<Record<string, Tensor>> {
  return {
    sample: call.sample,
    timestep: timestepTensor(session, call.timestep),
    encoder_hidden_states: call.text,
    ...call.conditions,
  };
}

/** @throws invalid-argument — the UNet, whose config this is, halves these latents unevenly */
export function checkLatentSize(session: Session, config: JsonObject, latents: FloatTensor): void {
  const blocks = config['block_out_channels'];
  const halvings = Array.isArray(blocks) ? blocks.length - 1 : 0;
  const multiple = 2 ** halvings;
  const [height = 0, width = 0] = latents.shape.slice(-2);
  if (height > 0 && width > 0 && height % multiple === 0 && width % multiple === 0) return;
  const found = `${width}x${height}`;
  throw new BivdiffError(
    'invalid-argument',
    `latents of ${found} do not fit ${session.name}: it needs multiples of ${multiple}`,
    {
      retry: 'never',
      hint: `Choose a width and a height that are multiples of ${multiple} times what the VAE reduces (8 for Stable Diffusion).`,
      details: { graph: session.name, width, height, multiple },
    },
  );
}

/** Of rank 0, in the graph's own kind of number; where that is whole, a fraction is cut off, as optimum does. */
function timestepTensor(session: Session, timestep: number): Tensor {
  const facts = session.inputs.find(({ name }) => name === 'timestep');
  if (facts?.type === 'int64') {
    return { type: 'int64', shape: [], data: BigInt64Array.of(BigInt(Math.trunc(timestep))) };
  }
  return floatTensor([], Float32Array.of(timestep));
}
