// Goal: steps that take deep features of an earlier one give what an independent run in torch gives, which runs the whole network and replaces what is
// cached (models/parity/cached.py); nothing that changes no bit without them does so with them. Steps at which no control weighs anything are drawn
// without controls, to the same bits.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { SmoothParams } from '../../../../common/stages.ts';
import { drawLatents } from '../../../../recipes/controlnet/drawing.ts';
import type { Checkpoint } from '../../../../workers/inference/ports.ts';
import { smooth } from '../../../../workers/pipelines/smooth/body.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { sliceBatch } from '../../../../workers/pipelines/latents.ts';
import { itThorough } from '../../../support/thorough.ts';
import { DemoStages } from './demo-stages.ts';
import { goldenControl, goldenFloats, goldenParameters, maxDifference } from './goldens.ts';

/** Fifty steps take seconds on a free core, minutes on a busy one. */
vi.setConfig({ testTimeout: 600_000 });

const TOLERANCE = 1e-3;
/** As in models/parity/cached.py. */
const cacheInterval = 3;
const golden = goldenParameters();
const { prompt, negativePrompt, steps } = golden;
const frames = Array.from({ length: golden.frames }, (_, i) => i);
const smoothParams = { prompt, negativePrompt, steps, guidanceScale: golden.videoGuidanceScale };

let demo: DemoStages;

beforeAll(async () => {
  demo = await DemoStages.open();
});

afterAll(async () => {
  await demo.close();
});

interface Drawn {
  readonly stages?: DemoStages;
  /** Share of the steps that are controlled. */
  readonly end?: number;
}

async function drawn(
  changes: object = {},
  { stages = demo, end = 1 }: Drawn = {},
): Promise<FloatTensor> {
  const params = {
    ...{ task: 'controlnet', prompt, negativePrompt, steps, cacheInterval, seed: 0 },
    ...{ guidanceScale: golden.guidanceScale, conditioningScale: golden.conditioningScale },
    sampler: golden.scheduler,
    ...changes,
  } as const;
  const controls = [{ pictures: goldenControl(), scale: golden.conditioningScale, end }];
  const noise = goldenFloats('generate', 'noise');
  return drawLatents({ params, controls, noise, frames }, stages.context('generate', { params }));
}

const noiseOf = (count: number): FloatTensor => sliceBatch(goldenFloats('mix', 'noise'), 0, count);

async function smoothed(
  changes: Partial<SmoothParams> = {},
  { count = frames.length, stages = demo }: { count?: number; stages?: DemoStages } = {},
): Promise<FloatTensor> {
  const params = { ...smoothParams, cacheInterval, ...changes };
  const run = { params, tensors: { noise: noiseOf(count) }, frames: frames.slice(0, count) };
  return (await stages.run('smooth', run))['latents'] as FloatTensor;
}

describe('steps that take deep features of an earlier one', () => {
  it('draw the recorded latents', async () => {
    expect(maxDifference(await drawn(), goldenFloats('cached', 'generate'))).toBeLessThan(
      TOLERANCE,
    );
  });

  it('smooth to the recorded latents', async () => {
    expect(maxDifference(await smoothed(), goldenFloats('cached', 'smooth'))).toBeLessThan(
      TOLERANCE,
    );
  });

  itThorough.each([1, 2, 4])('smooth to others at interval %i', async (other) => {
    const made = await smoothed({ cacheInterval: other });
    expect(maxDifference(made, goldenFloats('cached', 'smooth'))).toBeGreaterThan(TOLERANCE);
  });

  it('go on from a checkpoint to the same bits, which they leave where the whole network is run', async () => {
    const params = { ...smoothParams, steps: 8, cacheInterval };
    const input = { params, tensors: { noise: noiseOf(2) }, frames: [0, 1] };
    const left: Checkpoint[] = [];
    const context = demo.context('smooth', { params });
    const standsAt = (doneSteps: number, save: () => Checkpoint['tensors']): void => {
      // When the scheduler has gone on, as a checkpoint that is due late is.
      setTimeout(() => left.push({ doneSteps, tensors: save() }), 0);
    };
    const { latents } = await smooth(input, { ...context, standsAt });
    await vi.waitFor(() => {
      expect(left.map(({ doneSteps }) => doneSteps)).toEqual([0, 3, 6]);
    });
    for (const resumed of left.slice(1)) {
      const again = await smooth(input, { ...context, resumed });
      expect(again['latents']).toEqual(latents);
    }
  });

  it('are guided by nothing where guidance ends before the first, to the byte', async () => {
    const short = { steps: 6 };
    expect(await drawn({ ...short, guidanceEnd: 0 })).toEqual(
      await drawn({ ...short, guidanceScale: 1 }),
    );
    const alone = await smoothed({ ...short, guidanceScale: 1 }, { count: 2 });
    expect(await smoothed({ ...short, guidanceEnd: 0 }, { count: 2 })).toEqual(alone);
    const half = await smoothed({ ...short, guidanceEnd: 0.5 }, { count: 2 });
    expect(half).not.toEqual(alone);
  });

  it('give the same bits with several threads, of a clip that is asked once too', async () => {
    const several = await DemoStages.open({ threads: 4 });
    try {
      for (const guidanceScale of [1, 2]) {
        const changes = { steps: 4, guidanceScale };
        const alone = await smoothed(changes, { count: 2 });
        expect(await smoothed(changes, { count: 2, stages: several })).toEqual(alone);
      }
    } finally {
      await several.close();
    }
  });
});

describe('where memory is short', () => {
  it('both graphs stay loaded from step to step, and what they run at once is cut, to the same bits', async () => {
    // The last step runs the shallow graph. The deep one has 16.5 MB of weights, and would take 43 of the rest.
    const changes = { steps: 5 };
    const small = await DemoStages.open({ memoryLimitBytes: 60e6 });
    try {
      const made = await drawn(changes, { stages: small });
      expect(small.loadedBytes).toBeGreaterThan(17e6);
      expect(made).toEqual(await drawn(changes));
    } finally {
      await small.close();
    }
  });
});

describe('steps at which no control weighs anything', () => {
  it('are drawn by the graph without controls, where there is room for it, to the same bits', async () => {
    const changes = { steps: 6, cacheInterval: 1 };
    // The graph with controls has 16.5 MB of weights, without them 11.3.
    const small = await DemoStages.open({ memoryLimitBytes: 50e6 });
    const large = await DemoStages.open();
    try {
      const expected = await drawn(changes, { stages: small, end: 0.5 });
      expect(await drawn(changes, { stages: large, end: 0.5 })).toEqual(expected);
      expect(large.loadedBytes - small.loadedBytes).toBeGreaterThan(11e6);
      expect(await drawn(changes, { stages: large })).not.toEqual(expected);
    } finally {
      await small.close();
      await large.close();
    }
  });
});
