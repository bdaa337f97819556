// Goal: windows that agree at every step give what an independent run in diffusers and torch gives, however they are dealt to tasks.
// Method: the planner's own nodes are run task by task over the models that ship, on the recorded input of models/parity/co_denoise.py.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { ParamsByStage } from '../../../../common/stages.ts';
import { batchLayout } from '../../../../recipes/pipeline/layout.ts';
import { planNode } from '../../../../recipes/pipeline/plan-node.ts';
import type { PlanNode } from '../../../../recipes/pipeline/plan-node.ts';
import { windowingOf } from '../../../../recipes/pipeline/windowing.ts';
import type { WindowStage } from '../../../../recipes/pipeline/window-nodes.ts';
import { joinBatches, sliceBatch } from '../../../../workers/pipelines/latents.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenFloats, goldenParameters, maxDifference } from './goldens.ts';
import { casesOf, isThorough } from '../../../support/thorough.ts';

vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;
const { prompt, negativePrompt, steps, videoGuidanceScale, frames } = goldenParameters();
/** As in models/parity/co_denoise.py. */
const window = 4;
const STRIDE = 3;

let demo: DemoStages;

beforeAll(async () => {
  demo = await DemoStages.open();
});

afterAll(async () => {
  await demo.close();
});

/** The frames of the golden, as if one task had made them. */
const given = planNode('encode', {
  layout: batchLayout(frames, frames),
  params: () => ({ posterior: 'mode' }),
});

const params: { readonly [S in WindowStage]: ParamsByStage[S] } = {
  'invert-image': { mode: 'ddim', steps, negativePrompt, normScope: 'window' },
  'invert-video': { mode: 'ddim', steps, negativePrompt },
  smooth: { prompt, negativePrompt, steps, guidanceScale: videoGuidanceScale },
};
const golden = {
  'invert-image': { input: 'encode', tensor: 'latents', made: 'invert_image' },
  'invert-video': { input: 'encode', tensor: 'latents', made: 'invert_video' },
  smooth: { input: 'mix', tensor: 'noise', made: 'smooth' },
} as const;

interface Cut {
  readonly stride?: number;
  /** Windows of a task. */
  readonly block?: number;
  /** Steps that are taken. */
  readonly end?: number;
}

/** All frames after the stage, by the planner's nodes. */
async function run(stage: WindowStage, cut: Cut = {}): Promise<FloatTensor> {
  const { stride = STRIDE, block = 1, end = steps } = cut;
  const job = acceptedJob({ frames, steps, window, long: { mode: 'co-denoise', stride, block } });
  const nodes = windowingOf(job).run({
    ...{ stage, params: () => params[stage], models: {} },
    from: { node: given, output: 'latents' },
    steps: { first: 0, end },
  });
  const { input, tensor } = golden[stage];
  const made = new Map([[given.name, [goldenFloats(input, tensor)]]]);
  for (const node of nodes) made.set(node.name, await runNode(node, made));
  return joinBatches(made.get(nodes.at(-1)!.name)!);
}

async function runNode(
  node: PlanNode,
  made: ReadonlyMap<string, readonly FloatTensor[]>,
): Promise<FloatTensor[]> {
  const results: FloatTensor[] = [];
  for (let index = 0; index < node.layout.count; index += 1) {
    const { start, count } = node.layout.range(index);
    const input = node.inputs['latents']!;
    const slices = input.parts(index).map((part) => {
      return sliceBatch(made.get(input.node)![part.index]!, part.offset, part.offset + part.count);
    });
    const outputs = await demo.run(node.stage as WindowStage, {
      params: node.params(index) as never,
      tensors: { latents: joinBatches(slices) },
      frames: Array.from({ length: count }, (_, i) => start + i),
    });
    results.push((outputs['latents'] ?? outputs['noise']) as FloatTensor);
  }
  return results;
}

describe.each(
  casesOf(['invert-image', 'invert-video', 'smooth'] as const, (stage) => stage !== 'invert-video'),
)('%s in windows', (stage) => {
  // At all steps smoothing is the longest by far.
  it.runIf(isThorough || stage !== 'smooth')('gives what the reference gives', async () => {
    const expected = goldenFloats('co-denoise', golden[stage].made);
    expect(maxDifference(await run(stage), expected)).toBeLessThanOrEqual(TOLERANCE);
  });

  it('gives the same bits whichever windows are in a task', async () => {
    const [alone, ...others] = await Promise.all(
      [1, 2, 3].map((block) => run(stage, { block, end: 4 })),
    );
    for (const other of others) expect(other.data).toEqual(alone!.data);
  });
});

describe.runIf(isThorough)('the comparison', () => {
  it('would show windows that begin elsewhere', async () => {
    const expected = goldenFloats('co-denoise', golden['invert-image'].made);
    const other = await run('invert-image', { stride: 2 });
    expect(maxDifference(other, expected)).toBeGreaterThan(10 * TOLERANCE);
  });

  it('would show windows that agree only at the end', async () => {
    const job = acceptedJob({ frames, steps, window, long: { mode: 'blend', stride: STRIDE } });
    const windowing = windowingOf(job);
    const latents = goldenFloats('encode', 'latents');
    const own = params['invert-image'];
    const options = { stage: 'invert-image', params: () => own, models: {} } as const;
    const from = { node: given, output: 'latents' };
    const [whole] = windowing.run({ ...options, from, steps: { first: 0, end: steps } });
    const noise = await runNode(whole!, new Map([[given.name, [latents]]]));
    const [merge] = windowing.ending({ node: whole!, output: 'noise' });
    const merged = await runNode(merge!, new Map([[whole!.name, noise]]));
    const expected = goldenFloats('co-denoise', golden['invert-image'].made);
    expect(maxDifference(joinBatches(merged), expected)).toBeGreaterThan(10 * TOLERANCE);
  });
});
