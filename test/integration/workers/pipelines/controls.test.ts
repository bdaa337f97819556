// Goal: frames are drawn along one control and along several, by ControlNets and by T2I-Adapters, as diffusers' own pipelines draw them over 50
// steps; planted mistakes show. The models are models/parity/controls: the real classes, small and random.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import type { ModelPart } from '../../../../common/models/model-set.ts';
import type { SamplerName } from '../../../../common/stages.ts';
import type { JsonObject } from '../../../../common/task.ts';
import { drawLatents } from '../../../../recipes/controlnet/drawing.ts';
import type { Control } from '../../../../recipes/controlnet/drawing.ts';
import type { StageContext } from '../../../../workers/inference/ports.ts';
import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenFrames, maxDifference } from './goldens.ts';
import { casesOf } from '../../../support/thorough.ts';

vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;
const folder = fileURLToPath(new URL('../../../../models/parity/controls', import.meta.url));
const config = JSON.parse(readFileSync(`${folder}/unet/config.json`, 'utf8')) as JsonObject;
const noise = goldenFloats('controls', 'noise');
const frames = [0, 1];

/** Recorded as one channel. */
function pictures(name: 'outlines' | 'depth'): FrameTensor {
  const { shape, data } = goldenFrames('controls', name);
  const rgb = Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]!);
  return frameTensor([...shape, 3], rgb);
}
const OUTLINES = { pictures: pictures('outlines') };
const DEPTH = { pictures: pictures('depth') };
/** As in models/parity/controls.py. */
const TWO = [
  { ...OUTLINES, scale: 0.9 },
  { ...DEPTH, scale: 0.5 },
];
const TWO_BETWEEN = [
  { ...TWO[0]!, end: 0.55 },
  { ...TWO[1]!, start: 0.3 },
];
const ONE_BETWEEN = [{ ...OUTLINES, scale: 0.8, start: 0.1, end: 0.71 }];

let demo: DemoStages;
beforeAll(async () => {
  demo = await DemoStages.open();
});
afterAll(async () => demo.close());

interface Drawn {
  readonly graph: string;
  readonly controls: readonly Control[];
  readonly sampler?: SamplerName;
  /** Looks into what the body is given. */
  readonly wrap?: (context: StageContext) => StageContext;
}

async function draw({ graph, controls, sampler = 'ddim', wrap }: Drawn): Promise<FloatTensor> {
  const isAdapter = graph.startsWith('unet_t2iadapter');
  const params = {
    ...{ task: isAdapter ? 't2i-adapter' : 'controlnet', sampler, steps: 50, guidanceScale: 3 },
    prompt: 'a cyan square moving right on a white background',
    ...{ negativePrompt: 'a red circle', seed: 0 },
    controls: controls.map(({ scale }) => ({ scale })),
  } as const;
  const unet: ModelPart = {
    ...{ name: graph, digest: digestText(graph), graph: `${folder}/${graph}.onnx`, config },
    ...{ files: [], bytes: 0 },
  };
  // Stable Diffusion's, in place of the Runge-Kutta steps that PNDM begins with by default.
  const scheduler = { ...demo.set.image.scheduler.config, skip_prk_steps: true };
  const context = demo.context('generate', { params, models: { unet }, scheduler });
  const drawing = { params, controls, noise, frames };
  return drawLatents(
    isAdapter ? { ...drawing, picturesInput: 'adapter_conds' } : drawing,
    wrap === undefined ? context : wrap(context),
  );
}

const difference = async (drawn: Promise<FloatTensor>, golden: string): Promise<number> =>
  maxDifference(await drawn, goldenFloats('controls', golden));

const ONE_GRAPH = 'unet_controlnet-outlines';
const TWO_GRAPH = 'unet_controlnet-outlines+depth';
const ADAPTER_GRAPH = 'unet_t2iadapter-outlines';
const ADAPTERS_GRAPH = 'unet_t2iadapter-first+second';

it.each<[string, Drawn]>([
  ['one', { graph: ONE_GRAPH, controls: [{ ...OUTLINES, scale: 0.8 }] }],
  ['one_between', { graph: ONE_GRAPH, controls: ONE_BETWEEN }],
  ['two', { graph: TWO_GRAPH, controls: TWO }],
  ['two_between', { graph: TWO_GRAPH, controls: TWO_BETWEEN }],
  ['two_between_pndm', { graph: TWO_GRAPH, controls: TWO_BETWEEN, sampler: 'pndm' }],
  ['adapter', { graph: ADAPTER_GRAPH, controls: [{ ...OUTLINES, scale: 0.7 }] }],
  [
    'two_adapters',
    {
      graph: ADAPTERS_GRAPH,
      controls: [
        { ...OUTLINES, scale: 0.7 },
        { ...DEPTH, scale: 0.4 },
      ],
    },
  ],
])('draws the latents that the pipeline recorded: %s', async (golden, drawn) => {
  expect(await difference(draw(drawn), golden)).toBeLessThanOrEqual(TOLERANCE);
});

describe('a planted mistake shows', () => {
  const shows = async (drawn: Drawn, golden: string): Promise<void> => {
    expect(await difference(draw(drawn), golden)).toBeGreaterThan(10 * TOLERANCE);
  };
  const [first, second] = TWO_BETWEEN as [Control, Control];
  const step = 1 / 50;

  const mistakes: readonly [string, Drawn, string][] = [
    [
      'the start a step late',
      { graph: ONE_GRAPH, controls: [{ ...ONE_BETWEEN[0]!, start: 0.1 + step }] },
      'one_between',
    ],
    [
      'the end a step early',
      { graph: ONE_GRAPH, controls: [{ ...ONE_BETWEEN[0]!, end: 0.71 - step }] },
      'one_between',
    ],
    [
      'a step counted that the end lies in',
      { graph: ONE_GRAPH, controls: [{ ...ONE_BETWEEN[0]!, end: 0.71 + step }] },
      'one_between',
    ],
    [
      'the second control dropped',
      { graph: TWO_GRAPH, controls: [first, { ...second, scale: 0 }] },
      'two_between',
    ],
    [
      'one weight for both',
      { graph: TWO_GRAPH, controls: [first, { ...second, scale: 0.9 }] },
      'two_between',
    ],
    [
      'pictures exchanged',
      {
        graph: TWO_GRAPH,
        controls: [
          { ...first, ...DEPTH },
          { ...second, ...OUTLINES },
        ],
      },
      'two_between',
    ],
    [
      'an adapter at its full weight',
      { graph: ADAPTER_GRAPH, controls: [{ ...OUTLINES, scale: 1 }] },
      'adapter',
    ],
    [
      'an adapter that ends before the steps do',
      { graph: ADAPTER_GRAPH, controls: [{ ...OUTLINES, scale: 0.7, end: 0.7 }] },
      'adapter',
    ],
    [
      'an adapter at the negative prompt alone',
      {
        ...{ graph: ADAPTER_GRAPH, controls: [{ ...OUTLINES, scale: 0.7 }] },
        wrap: withoutSecondHalf,
      },
      'adapter',
    ],
  ];
  /** One in when, one in which, one of an adapter. */
  const quick = [
    ...['the start a step late', 'the second control dropped'],
    'an adapter at its full weight',
  ];

  it.each(casesOf(mistakes, ([name]) => quick.includes(name)))('%s', async (_, drawn, golden) => {
    await shows(drawn, golden);
  });
});

/** Black pictures for the second half of the batch, where the prompt is. */
function withoutSecondHalf(context: StageContext): StageContext {
  return {
    ...context,
    session: async (role) => {
      const session = await context.session(role);
      if (role !== 'unet') return session;
      return {
        ...session,
        run: async (feeds) => {
          const conds = feeds['adapter_conds'] as FloatTensor;
          const data = conds.data.slice();
          data.fill(0, data.length / 2);
          return session.run({ ...feeds, adapter_conds: { ...conds, data } });
        },
      };
    },
  };
}

describe('frames of other weights', () => {
  it('have the bits that they have alone', async () => {
    const controls = [{ ...OUTLINES, scale: [0.3, 0.9] }];
    const both = await draw({ graph: ONE_GRAPH, controls });
    const size = both.data.length / 2;
    for (const [frame, scale] of [0.3, 0.9].entries()) {
      const all = await draw({ graph: ONE_GRAPH, controls: [{ ...OUTLINES, scale }] });
      const [from, to] = [frame * size, (frame + 1) * size];
      expect(both.data.subarray(from, to)).toEqual(all.data.subarray(from, to));
    }
  });
});
