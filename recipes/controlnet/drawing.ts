// From noise to latents along control pictures, by a UNet with its ControlNets or T2I-Adapters in one graph.

import type { Session, StageContext } from '../../workers/inference/ports.ts';
import { drawingNoise } from '../../workers/pipelines/drawing-noise.ts';
import { denoise } from '../../workers/pipelines/diffusion-loop.ts';
import type { LoopOptions, Predict } from '../../workers/pipelines/diffusion-loop.ts';
import { framesText } from '../../workers/pipelines/failure-place.ts';
import {
  branchesAt,
  predictApart,
  predictGuided,
  textBranches,
} from '../../workers/pipelines/guidance.ts';
import type { Branch } from '../../workers/pipelines/guidance.ts';
import {
  joinBatches,
  pickBatch,
  repeatBatch,
  scatterBatch,
} from '../../workers/pipelines/latents.ts';
import { conditionsFromFrames } from '../../workers/pipelines/pixels.ts';
import { embedPrompt, embedText } from '../../workers/pipelines/text-embedding.ts';
import { openStepUnet } from '../../workers/pipelines/step-unet.ts';
import type { StepUnet } from '../../workers/pipelines/step-unet.ts';
import { checkLatentSize, runUnet } from '../../workers/pipelines/unet.ts';
import { floatTensor } from '../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor, Tensor } from '../../workers/tensor/tensor.ts';
import { drawingSampler, noiseOf } from '../pipeline/generator-settings.ts';
import type { DrawingParams } from '../pipeline/generator-settings.ts';
import type { ControlWeight } from './params.ts';
import { scaleInFrame, weightAtStep } from './weights.ts';

export interface Drawing {
  readonly params: DrawingParams;
  /** One for each ControlNet or T2I-Adapter of the graph. */
  readonly controls: readonly Control[];
  /** `[frames, channels, height/8, width/8]`, standard normal. */
  readonly noise: FloatTensor;
  /** Indices in the job. */
  readonly frames: readonly number[];
  /** The graph's input for the control pictures. @default that of ControlNets */
  readonly picturesInput?: 'controlnet_conds' | 'adapter_conds';
  /** Whether they see each other in the graph: each branch of guidance is a run of its own then, and all have one weight. @default false */
  readonly isWindow?: boolean;
}

/** `scale`: weight of what it adds. */
export interface Control extends ControlWeight {
  /** `[frames, height, width, 3]`. */
  readonly pictures: FrameTensor;
}

/** Scaled latents of the noise's shape. */
export async function drawLatents(drawing: Drawing, context: StageContext): Promise<FloatTensor> {
  const { params, noise, frames } = drawing;
  const sampler = drawingSampler(params, context.config('scheduler'));
  return denoise(noise, {
    ...(await loopAlong(drawing, sampler.timesteps.length, context)),
    sampler,
    drawNoise: (step) => {
      return drawingNoise(noise.shape, noiseOf(params, frames), step);
    },
  });
}

/** What a loop of so many steps is told, whichever sampler takes them. */
export async function loopAlong(
  drawing: Drawing,
  steps: number,
  context: StageContext,
): Promise<LoopOptions> {
  const { params, noise, frames } = drawing;
  const { cacheInterval } = params;
  const unet = await openStepUnet(context, cacheInterval);
  checkLatentSize(unet.session, context.config('unet'), noise);
  const branches = textBranches({
    prompt: await embedPrompt(params.prompt, context),
    negative: await embedText(params.negativePrompt, context),
    scale: params.guidanceScale,
  });
  return {
    predict: predictAlong(drawing, {
      unet,
      openFree: freeUnet(context, cacheInterval),
      branches,
      steps,
    }),
    context,
    resumesEvery: cacheInterval,
    place: `generate ${framesText(frames)}`,
  };
}

/** Opens the graph without its controls, when it is first asked for; undefined where it is run with them all the same, to the same bits. */
function freeUnet(context: StageContext, cacheInterval = 1): Prediction['openFree'] {
  return async () => {
    const isOne = cacheInterval === 1 && context.hasRoomFor('unet', 'uncontrolled');
    return isOne ? context.session('unet', 'uncontrolled') : undefined;
  };
}

interface Prediction {
  readonly unet: StepUnet;
  /** For steps at which no control weighs anything. */
  readonly openFree: () => Promise<Session | undefined>;
  readonly branches: readonly Branch[];
  /** How many the loop has. */
  readonly steps: number;
}

/** The graph takes a weight for each control and none for each frame, so frames of other weights are another batch. */
function predictAlong(
  { params, controls, noise, picturesInput = 'controlnet_conds', isWindow = false }: Drawing,
  { unet, openFree, branches, steps }: Prediction,
): Predict {
  const count = noise.shape[0]!;
  const channels = channelsOf(unet.session, picturesInput);
  const picturesOf = (members: readonly number[], copies: number): Tensor =>
    controlBatch(controls, { members, channels, copies: isWindow ? 1 : copies });
  const groups = groupsOf(controls, count).map((members) => ({
    members,
    branches: branches.map((branch) => {
      const { text } = branch;
      return text.shape[0] === 1 ? branch : { ...branch, text: pickBatch(text, members) };
    }),
    guided: picturesOf(members, branches.length),
    // Of steps without guidance, where there are such.
    unguided: params.guidanceEnd === undefined ? undefined : picturesOf(members, 1),
  }));
  const predictFor = isWindow ? predictApart : predictGuided;
  return async (sample, timestep, step) => {
    const predicted: FloatTensor[] = [];
    for (const { members, branches: all, guided, unguided } of groups) {
      const told = branchesAt(all, { step, steps, end: params.guidanceEnd });
      const pictures = told.length === all.length ? guided : unguided!;
      const scales = controls.map((one) => weightAtStep(one, { frame: members[0]!, step, steps }));
      const conditions = {
        [picturesInput]: pictures,
        conditioning_scales: floatTensor([scales.length], Float32Array.from(scales)),
      };
      const free = scales.every((scale) => scale === 0) ? await openFree() : undefined;
      const own = await predictFor(pickBatch(sample, members), told, (batch, text) => {
        const call = { sample: batch, timestep, text };
        return free === undefined ? unet.run({ ...call, conditions }, step) : runUnet(free, call);
      });
      predicted.push(own);
    }
    return scatterBatch(
      predicted,
      groups.map(({ members }) => members),
    );
  };
}

/** Frames of one weight of every control together, by their place in the task. */
function groupsOf(controls: readonly Control[], count: number): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (let frame = 0; frame < count; frame += 1) {
    const key = controls.map(({ scale }) => scaleInFrame(scale, frame)).join();
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [frame]);
    else members.push(frame);
  }
  return [...groups.values()];
}

/** Of the pictures that the graph wants: 1 for adapters that were trained on grey, else 3. */
function channelsOf({ inputs }: Session, name: string): number {
  return inputs.find((input) => input.name === name)?.shape[2] === 1 ? 1 : 3;
}

interface BatchOptions {
  readonly members: readonly number[];
  readonly copies: number;
  readonly channels: number;
}

/** Each control's pictures for the whole batch: `[controls, copies * frames, channels, height, width]`, 0..1. */
function controlBatch(
  controls: readonly Control[],
  { members, copies, channels }: BatchOptions,
): FloatTensor {
  const each = controls.map(({ pictures }) => {
    const own = pickBatch(conditionsFromFrames(pictures, channels), members);
    return repeatBatch(own, copies);
  });
  const [, ...picture] = each[0]!.shape;
  const joined = joinBatches(each);
  return floatTensor(
    [controls.length, joined.shape[0]! / controls.length, ...picture],
    joined.data,
  );
}
