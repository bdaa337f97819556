// Goal: every stage gives what an independent diffusers and torch run gives. Method: each stage is fed the recorded
// input of models/parity/goldens and its output compared with the recorded one; then the job runs through from its own
// results; then known mistakes are planted, which the same comparison must find.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { InversionMode, NormScope } from '../../../../common/stages.ts';
import type { JsonObject } from '../../../../common/task.ts';
import { drawLatents } from '../../../../recipes/controlnet/drawing.ts';
import { embedText } from '../../../../workers/pipelines/text-embedding.ts';
import { pickBatch } from '../../../../workers/pipelines/latents.ts';
import { decodeLatents } from '../../../../workers/pipelines/vae.ts';
import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { DemoStages } from './demo-stages.ts';
import {
  goldenControl,
  goldenFloats,
  goldenFrames,
  goldenParameters,
  maxDifference,
} from './goldens.ts';
import { casesOf, itThorough } from '../../../support/thorough.ts';

/** Fifty steps take seconds on a free core, minutes on a busy one. */
vi.setConfig({ testTimeout: 600_000 });

/** Of a stage's values: on the recorded input, and in a job that runs through. */
const STAGE_TOLERANCE = 1e-3;
/** Of 255. */
const LEVELS_TOLERANCE = 1;

const golden = goldenParameters();
const { prompt, negativePrompt, steps, mixingRatio, canny } = golden;
const frames = Array.from({ length: golden.frames }, (_, i) => i);
const generateParams = {
  task: 'controlnet',
  prompt,
  negativePrompt,
  steps,
  guidanceScale: golden.guidanceScale,
  conditioningScale: golden.conditioningScale,
  sampler: golden.scheduler,
  seed: 0,
} as const;
const smoothParams = { prompt, negativePrompt, steps, guidanceScale: golden.videoGuidanceScale };
/** As in models/parity/noised.py. */
const NOISED = { strength: 0.6, seed: 7 };
const annotateParams = { annotator: 'canny', ...canny } as const;

let demo: DemoStages;

beforeAll(async () => {
  demo = await DemoStages.open();
});

afterAll(async () => {
  await demo.close();
});

/** These frames, along their outlines. */
async function draw(noise: FloatTensor, chosen: readonly number[]): Promise<FloatTensor> {
  const { shape, data } = goldenControl();
  const size = data.length / shape[0]!;
  const pictures = chosen.flatMap((frame) => [...data.subarray(frame * size, (frame + 1) * size)]);
  const control = frameTensor([chosen.length, ...shape.slice(1)], Uint8Array.from(pictures));
  const context = demo.context('generate', { params: generateParams });
  return drawLatents(
    {
      params: generateParams,
      controls: [{ pictures: control, scale: generateParams.conditioningScale }],
      noise,
      frames: chosen,
    },
    context,
  );
}

async function runImageInversion(latents: Tensor, mode: InversionMode, normScope: NormScope) {
  const params = { mode, steps, negativePrompt, normScope };
  return (await demo.run('invert-image', { params, tensors: { latents }, frames }))['noise']!;
}

async function runVideoInversion(latents: Tensor, mode: InversionMode) {
  const params = { mode, steps, negativePrompt };
  return (await demo.run('invert-video', { params, tensors: { latents }, frames }))['noise']!;
}

function expectAgreement(
  made: Tensor | undefined,
  expected: FloatTensor | FrameTensor,
  tolerance: number,
): void {
  const difference = maxDifference(made as FloatTensor | FrameTensor, expected);
  expect(difference).toBeLessThanOrEqual(tolerance);
}

describe('each stage on the recorded input', () => {
  it('annotate draws the recorded outlines, to the pixel', async () => {
    const tensors = { frames: goldenFrames('ingest', 'frames') };
    const { control } = await demo.run('annotate', { params: annotateParams, tensors, frames });
    expectAgreement(control, goldenControl(), 0);
  });

  it.each([
    ['prompt', 'generate', prompt],
    ['negative', 'generate', negativePrompt],
    ['video_prompt', 'smooth', prompt],
    ['video_negative', 'smooth', negativePrompt],
  ] as const)('the text encoders embed %s as recorded', async (name, stage, text) => {
    const context =
      stage === 'smooth'
        ? demo.context('smooth', { params: smoothParams })
        : demo.context('generate', { params: generateParams });
    expectAgreement(await embedText(text, context), goldenFloats('text', name), STAGE_TOLERANCE);
  });

  it('generate draws the recorded latents and frames', async () => {
    // Frames are drawn each for itself (lanes.test.ts).
    const chosen = casesOf(frames, (frame) => frame === 0 || frame === frames.length - 1);
    const of = (name: string): FloatTensor => pickBatch(goldenFloats('generate', name), chosen);
    expectAgreement(await draw(of('noise'), chosen), of('latents'), STAGE_TOLERANCE);
    const context = demo.context('generate', { params: generateParams });
    const drawn = await decodeLatents(goldenFloats('generate', 'latents'), context);
    expectAgreement(drawn, goldenFrames('generate', 'frames'), LEVELS_TOLERANCE);
  });

  it('encode gives the recorded latents', async () => {
    const tensors = { frames: goldenFrames('generate', 'frames') };
    const params = { posterior: golden.posterior };
    const { latents } = await demo.run('encode', { params, tensors, frames });
    expectAgreement(latents, goldenFloats('encode', 'latents'), STAGE_TOLERANCE);
  });

  // What `npm test` leaves out of these stages is within the same bounds in the job below.
  const inversions = [
    ['ddim', 'window'],
    ['official', 'window'],
    ['ddim', 'frame'],
    ['official', 'frame'],
  ] as const;
  it.each(casesOf(inversions, ([mode, scope]) => mode === 'official' && scope === 'frame'))(
    'invert-image %s over each %s gives the recorded noise',
    async (mode, scope) => {
      const noise = await runImageInversion(goldenFloats('encode', 'latents'), mode, scope);
      expectAgreement(noise, goldenFloats('invert-image', `${mode}_${scope}`), STAGE_TOLERANCE);
    },
  );

  itThorough.each(['ddim', 'official'] as const)(
    'invert-video %s gives the recorded noise',
    async (mode) => {
      const noise = await runVideoInversion(goldenFloats('encode', 'latents'), mode);
      expectAgreement(noise, goldenFloats('invert-video', mode), STAGE_TOLERANCE);
    },
  );

  it('mix gives the recorded noise, to the bit', async () => {
    const tensors = {
      image: goldenFloats('invert-image', 'ddim_window'),
      video: goldenFloats('invert-video', 'ddim'),
    };
    const { noise } = await demo.run('mix', { params: { mixingRatio }, tensors, frames });
    expectAgreement(noise, goldenFloats('mix', 'noise'), 0);
  });

  itThorough('smooth gives the recorded latents', async () => {
    const tensors = { noise: goldenFloats('mix', 'noise') };
    const { latents } = await demo.run('smooth', { params: smoothParams, tensors, frames });
    expectAgreement(latents, goldenFloats('smooth', 'latents'), STAGE_TOLERANCE);
  });

  it('smooth of frames that were noised gives the recorded latents', async () => {
    const tensors = { latents: goldenFloats('encode', 'latents') };
    const run = { params: { ...smoothParams, noised: NOISED }, tensors, frames };
    const { latents } = await demo.run('smooth', run);
    expectAgreement(latents, goldenFloats('smooth-noised', 'latents'), STAGE_TOLERANCE);
  });

  it('decode gives the recorded frames', async () => {
    const tensors = { latents: goldenFloats('smooth', 'latents') };
    const decoded = await demo.run('decode', { params: {}, tensors, frames });
    expectAgreement(decoded['frames'], goldenFrames('decode', 'frames'), LEVELS_TOLERANCE);
  });
});

describe('the job on its own results', () => {
  // It starts at the recorded pictures: drawn ones may differ by a level where rounding to 8 bits is a near tie.
  it('ends at the recorded latents, by way of what each stage has recorded', async () => {
    const drawn = { frames: goldenFrames('generate', 'frames') };
    const params = { posterior: golden.posterior };
    const { latents } = await demo.run('encode', { params, tensors: drawn, frames });
    const branches = {
      image: await runImageInversion(latents!, 'ddim', 'window'),
      video: await runVideoInversion(latents!, 'ddim'),
    };
    expectAgreement(latents, goldenFloats('encode', 'latents'), STAGE_TOLERANCE);
    expectAgreement(branches.image, goldenFloats('invert-image', 'ddim_window'), STAGE_TOLERANCE);
    expectAgreement(branches.video, goldenFloats('invert-video', 'ddim'), STAGE_TOLERANCE);
    const mixed = await demo.run('mix', { params: { mixingRatio }, tensors: branches, frames });
    expectAgreement(mixed['noise'], goldenFloats('mix', 'noise'), STAGE_TOLERANCE);
    const tensors = { noise: mixed['noise']! };
    const smoothed = await demo.run('smooth', { params: smoothParams, tensors, frames });
    expectAgreement(smoothed['latents'], goldenFloats('smooth', 'latents'), STAGE_TOLERANCE);
  });
});

describe('a planted mistake shows', () => {
  const expectDisagreement = (made: Tensor | undefined, expected: FloatTensor): void => {
    expect(maxDifference(made as FloatTensor, expected)).toBeGreaterThan(STAGE_TOLERANCE);
  };
  /** Timesteps 0, 20 ... 980 in place of 1, 21 ... 981. */
  const oneOff = (): JsonObject => ({ ...demo.set.image.scheduler.config, steps_offset: 0 });
  const latents = goldenFloats('encode', 'latents');

  it('timesteps one off in the inversion', async () => {
    const params = { mode: 'ddim', steps, negativePrompt, normScope: 'window' } as const;
    const run = { params, tensors: { latents }, frames, scheduler: oneOff() };
    const { noise } = await demo.run('invert-image', run);
    expectDisagreement(noise, goldenFloats('invert-image', 'ddim_window'));
  });

  itThorough('timesteps one off in smoothing', async () => {
    const tensors = { noise: goldenFloats('mix', 'noise') };
    const run = { params: smoothParams, tensors, frames, scheduler: oneOff() };
    const smoothed = await demo.run('smooth', run);
    expectDisagreement(smoothed['latents'], goldenFloats('smooth', 'latents'));
  });

  itThorough.each([{ strength: 0.58 }, { seed: 8 }])(
    '%j in smoothing of noised frames',
    async (other) => {
      const params = { ...smoothParams, noised: { ...NOISED, ...other } };
      const smoothed = await demo.run('smooth', { params, tensors: { latents }, frames });
      expectDisagreement(smoothed['latents'], goldenFloats('smooth-noised', 'latents'));
    },
  );

  it('branches swapped in the mix', async () => {
    const tensors = {
      image: goldenFloats('invert-image', 'ddim_window'),
      video: goldenFloats('invert-video', 'ddim'),
    };
    const params = { mixingRatio: 1 - mixingRatio };
    const { noise } = await demo.run('mix', { params, tensors, frames });
    expectDisagreement(noise, goldenFloats('mix', 'noise'));
  });

  itThorough('the prompt in place of the negative prompt in the image inversion', async () => {
    const params = { mode: 'ddim', steps, negativePrompt: prompt, normScope: 'window' } as const;
    const { noise } = await demo.run('invert-image', { params, tensors: { latents }, frames });
    expectDisagreement(noise, goldenFloats('invert-image', 'ddim_window'));
  });

  itThorough('the prompt in place of the negative prompt in the video inversion', async () => {
    const params = { mode: 'ddim', steps, negativePrompt: prompt } as const;
    const { noise } = await demo.run('invert-video', { params, tensors: { latents }, frames });
    expectDisagreement(noise, goldenFloats('invert-video', 'ddim'));
  });

  itThorough('norms over each frame in place of the window', async () => {
    const noise = await runImageInversion(latents, 'ddim', 'frame');
    expectDisagreement(noise, goldenFloats('invert-image', 'ddim_window'));
  });
});
