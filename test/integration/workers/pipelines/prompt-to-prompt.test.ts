// Goal: words of a clip are edited as Prompt-to-Prompt on diffusers' own classes edits them, over 50 steps; planted mistakes show.

import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { drawEdit } from '../../../../recipes/prompt-to-prompt/body.ts';
import type { EditTools } from '../../../../recipes/prompt-to-prompt/body.ts';
import type { PromptToPromptParams } from '../../../../recipes/prompt-to-prompt/params.ts';
import type { Session } from '../../../../workers/inference/ports.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';
import { casesOf, isThorough } from '../../../support/thorough.ts';

vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;

interface Recorded {
  readonly steps: number;
  readonly guidanceScale: number;
  readonly negativePrompt: string;
  readonly edits: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly prompt: string;
        readonly kind: PromptToPromptParams['kind'];
        readonly weights: Readonly<Record<string, number>>;
        readonly blend: readonly string[];
        readonly cross_replace: number;
        readonly self_replace: number;
        readonly threshold: number;
        readonly source_guidance: number;
      }
    >
  >;
}
const index = new URL('../../../../models/parity/goldens/prompt2prompt.json', import.meta.url);
const recorded = JSON.parse(readFileSync(index, 'utf8')) as Recorded;
const noise = goldenFloats('prompt2prompt', 'noise');
const frames = Array.from({ length: noise.shape[0]! }, (_, i) => i);

function paramsOf(name: string): PromptToPromptParams {
  const edit = recorded.edits[name]!;
  const { steps, guidanceScale, negativePrompt } = recorded;
  return {
    ...{ task: 'prompt-to-prompt', steps, guidanceScale, negativePrompt, sampler: 'ddim', seed: 0 },
    ...{ kind: edit.kind, sourcePrompt: edit.source, prompt: edit.prompt, weights: edit.weights },
    sourceGuidanceScale: edit.source_guidance,
    ...{ crossReplace: edit.cross_replace, selfReplace: edit.self_replace },
    ...(edit.blend.length === 0 ? {} : { blend: { words: edit.blend, threshold: edit.threshold } }),
  };
}

let demo: DemoStages;
beforeAll(async () => {
  demo = await DemoStages.open();
});
afterAll(async () => demo.close());

async function draw(
  params: PromptToPromptParams,
  change?: (tools: EditTools) => EditTools,
  context = demo.context('generate', { params }),
): Promise<FloatTensor> {
  return drawEdit({ params, frames }, noise, context, change);
}

it('inverts the source, frame by frame', async () => {
  const all = goldenFrames('ingest', 'frames');
  const [, ...size] = all.shape;
  const bytes = size.reduce((product, one) => product * one, frames.length);
  const pictures = { ...all, shape: [frames.length, ...size], data: all.data.slice(0, bytes) };
  const encoded = await demo.run('encode', {
    params: { posterior: 'mode' },
    tensors: { frames: pictures },
    frames,
  });
  const { steps, negativePrompt } = recorded;
  const inverted = await demo.run('invert-image', {
    params: { mode: 'ddim', steps, negativePrompt, normScope: 'frame' },
    tensors: { latents: encoded['latents']! },
    frames,
  });
  expect(maxDifference(inverted['noise'] as FloatTensor, noise)).toBeLessThanOrEqual(TOLERANCE);
});

/** Both kinds of edit, weights, a blend, a source that is not led. */
const QUICK = ['refine_reweight', 'blend', 'unguided_source'];

it.each(casesOf(Object.keys(recorded.edits), (name) => QUICK.includes(name)))(
  'draws the recorded latents: %s',
  async (name) => {
    const drawn = await draw(paramsOf(name));
    expect(maxDifference(drawn, goldenFloats('prompt2prompt', name))).toBeLessThanOrEqual(
      TOLERANCE,
    );
  },
);

describe.runIf(isThorough)('a planted mistake shows', () => {
  /** What the graph is told, changed. */
  const told =
    (change: (inputs: Readonly<Record<string, Tensor>>, step: number) => object) =>
    ({ control, blend }: EditTools): EditTools => ({
      blend,
      control: {
        inputsAt: (step) => ({
          ...control.inputsAt(step),
          ...change(control.inputsAt(step), step),
        }),
      },
    });
  const differs = async (name: string, drawn: Promise<FloatTensor>): Promise<void> => {
    const difference = maxDifference(await drawn, goldenFloats('prompt2prompt', name));
    expect(difference).toBeGreaterThan(10 * TOLERANCE);
  };

  it('the mapper transposed', async () => {
    const transposed = told(({ cross_replace_mapper }) => {
      const { shape, data } = cross_replace_mapper as FloatTensor;
      const turned = data.map((_, at) => data[(at % 77) * 77 + Math.floor(at / 77)]!);
      return { cross_replace_mapper: floatTensor(shape, turned) };
    });
    await differs('replace_longer', draw(paramsOf('replace_longer'), transposed));
  });

  it('words after a longer one that follow what stands at their own position', async () => {
    const inPlace = told(({ cross_replace_mapper }) => {
      const { shape, data } = cross_replace_mapper as FloatTensor;
      const places = data.map((share, at) => {
        const [from, to] = [Math.floor(at / 77), at % 77];
        const spread = Array.from({ length: 77 }, (_, row) => data[row * 77 + to]!);
        return spread.some((one) => one > 0 && one < 1) ? share : Number(from === to);
      });
      return { cross_replace_mapper: floatTensor(shape, places) };
    });
    await differs('replace_longer', draw(paramsOf('replace_longer'), inPlace));
  });

  it('self-attention of the source past its share', async () => {
    const always = told(() => ({ self_replace: floatTensor([], Float32Array.of(1)) }));
    await differs('replace', draw(paramsOf('replace'), always));
  });

  it('attention to words of the source past its share', async () => {
    await differs('replace', draw({ ...paramsOf('replace'), crossReplace: 0.42 }));
  });

  it('new words that follow the source', async () => {
    const all = told(({ cross_replace_alpha }, step) =>
      step < 20
        ? {
            cross_replace_alpha: floatTensor(
              cross_replace_alpha!.shape,
              new Float32Array(77).fill(1),
            ),
          }
        : {},
    );
    await differs('refine', draw(paramsOf('refine'), all));
  });

  it('weights that go on past the share', async () => {
    const always = ({ control, blend }: EditTools): EditTools => ({
      blend,
      control: {
        inputsAt: (step) => {
          const { equalizer } = control.inputsAt(0);
          return { ...control.inputsAt(step), equalizer: equalizer! };
        },
      },
    });
    await differs('reweight', draw(paramsOf('reweight'), always));
  });

  it('weights of tokens one further', async () => {
    const shifted = told(({ equalizer }) => {
      const { shape, data } = equalizer as FloatTensor;
      return {
        equalizer: floatTensor(
          shape,
          data.map((_, at) => data[Math.max(0, at - 1)]!),
        ),
      };
    });
    await differs('reweight', draw(paramsOf('reweight'), shifted));
  });

  it('the half without prompts led in place of the other', async () => {
    const params = paramsOf('replace');
    const context = demo.context('generate', { params });
    const swapped = (tensor: Tensor): Tensor => {
      const { shape, data } = tensor as FloatTensor;
      const half = data.length / 2;
      const turned = Float32Array.from(data, (_, at) => data[(at + half) % data.length]!);
      return floatTensor(shape, turned);
    };
    const session = async (role: string): Promise<Session> => {
      const opened = await context.session(role);
      if (role !== 'unet') return opened;
      return {
        ...opened,
        run: async ({ sample, encoder_hidden_states, ...rest }) => {
          const halves = {
            sample: swapped(sample!),
            encoder_hidden_states: swapped(encoder_hidden_states!),
          };
          const outputs = await opened.run({ ...rest, ...halves });
          return { ...outputs, out_sample: swapped(outputs['out_sample']!) };
        },
      };
    };
    await differs('replace', draw(params, undefined, { ...context, session }));
  });

  it('no blend', async () => {
    await differs(
      'blend',
      draw(paramsOf('blend'), (tools) => ({ ...tools, blend: undefined })),
    );
  });

  it.each([
    ['at another threshold', { threshold: 0.9 }],
    ['by the attention to another word', { words: ['background'] }],
  ])('a blend %s', async (_, mistake) => {
    const params = paramsOf('blend');
    await differs('blend', draw({ ...params, blend: { ...params.blend!, ...mistake } }));
  });
});
