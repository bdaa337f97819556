// Each frame is drawn twice from the noise to which its source was inverted, by the source's prompt and by the edited one, and attention of the second follows
// that of the first, so that what the prompts have in common stays where it is (Prompt-to-Prompt, arXiv 2208.01626).

import { createSampler } from '../../common/diffusion/create-sampler.ts';
import { floats, imageUnet } from '../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../workers/inference/graph-kind.ts';
import type { StageContext, StageInput } from '../../workers/inference/ports.ts';
import { denoise } from '../../workers/pipelines/diffusion-loop.ts';
import type { Predict } from '../../workers/pipelines/diffusion-loop.ts';
import { drawingNoise } from '../../workers/pipelines/drawing-noise.ts';
import { framesText } from '../../workers/pipelines/failure-place.ts';
import { floatOutput } from '../../workers/pipelines/graph-outputs.ts';
import { combine } from '../../workers/pipelines/guidance.ts';
import { joinBatches, repeatBatch, sliceBatch } from '../../workers/pipelines/latents.ts';
import { latentsInput } from '../../workers/pipelines/stage-inputs.ts';
import { embedText } from '../../workers/pipelines/text-embedding.ts';
import { checkLatentSize, unetFeeds } from '../../workers/pipelines/unet.ts';
import { decodeDrawn } from '../../workers/pipelines/vae.ts';
import type { FloatTensor } from '../../workers/tensor/tensor.ts';
import { noiseOf } from '../pipeline/generator-settings.ts';
import type { RecipeBody } from '../recipe-body.ts';
import { POSITIONS } from './alignment.ts';
import { attentionControl, placesOf } from './attention-control.ts';
import type { AttentionControl } from './attention-control.ts';
import { LocalBlend } from './local-blend.ts';
import type { PromptToPromptParams } from './params.ts';

type Input = Pick<StageInput<PromptToPromptParams>, 'params' | 'frames'>;

const row = floats(null, POSITIONS);
const unet = imageUnet('prompt2prompt-unet', {
  cross_replace_mapper: floats(null, POSITIONS, POSITIONS),
  cross_replace_alpha: row,
  equalizer: row,
  self_replace: floats(),
});

const UNET: GraphKind = {
  ...unet,
  contract: (config, graph) => {
    const { inputs, outputs } = unet.contract(config, graph);
    const cross_attention_maps = floats(null, null, POSITIONS);
    return { inputs, outputs: { ...outputs, cross_attention_maps } };
  },
};

export const promptToPrompt: RecipeBody<PromptToPromptParams> = {
  unet: UNET,
  // The edit follows its source's attention.
  seesWhole: () => true,
  generate: async (input, context) => {
    const { params, frames } = input;
    const latents = await drawEdit({ params, frames }, latentsInput(input, 'noise'), context);
    return decodeDrawn(latents, frames, context);
  },
};

export interface EditTools {
  readonly control: AttentionControl;
  readonly blend: LocalBlend | undefined;
}

/** Scaled latents of the edit, from `noise` of their shape: that of the inverted source. `change` is for tests, which plant mistakes. */
export async function drawEdit(
  { params, frames }: Input,
  noise: FloatTensor,
  context: StageContext,
  change: (tools: EditTools) => EditTools = (tools) => tools,
): Promise<FloatTensor> {
  checkLatentSize(await context.session('unet'), context.config('unet'), noise);
  const tools = change(await toolsOf(params, context));
  const both = repeatBatch(noise, 2);
  const drawn = await denoise(both, {
    sampler: createSampler(params.sampler, context.config('scheduler'), { steps: params.steps }),
    predict: await predictorOf({ params, frames }, tools, context),
    // The source's and the edit's are the same.
    drawNoise: (step) => repeatBatch(drawingNoise(noise.shape, noiseOf(params, frames), step), 2),
    between: tools.blend,
    context,
    place: `generate ${framesText(frames)}`,
  });
  return sliceBatch(drawn, frames.length, 2 * frames.length);
}

async function toolsOf(params: PromptToPromptParams, context: StageContext): Promise<EditTools> {
  const tokenizer = await context.tokenizer('tokenizer');
  const { blend, sourcePrompt, prompt } = params;
  const placesIn = (text: string): readonly number[] =>
    (blend?.words ?? []).flatMap((word) => placesOf(word, text, tokenizer));
  return {
    control: attentionControl(params, tokenizer),
    blend:
      blend &&
      new LocalBlend({
        places: [placesIn(sourcePrompt), placesIn(prompt)],
        threshold: blend.threshold,
      }),
  };
}

/** Of samples `[2 * frames, ...]`, the sources and then the edits. All four ways of asking run as one batch, those without a prompt first. */
async function predictorOf(
  { params, frames }: Input,
  { control, blend }: EditTools,
  context: StageContext,
): Promise<Predict> {
  const { sourcePrompt, prompt, negativePrompt } = params;
  const scales = [params.sourceGuidanceScale, params.guidanceScale];
  const session = await context.session('unet');
  const texts = [negativePrompt, negativePrompt, sourcePrompt, prompt];
  const embedded: FloatTensor[] = [];
  for (const text of texts) {
    embedded.push(repeatBatch(await embedText(text, context), frames.length));
  }
  const text = joinBatches(embedded);
  return async (sample, timestep, stepIndex) => {
    const conditions = control.inputsAt(stepIndex);
    const call = { sample: repeatBatch(sample, 2), timestep, text, conditions };
    const outputs = await session.run(unetFeeds(session, call));
    blend?.see(floatOutput(outputs, 'cross_attention_maps', session.name));
    const noise = floatOutput(outputs, 'out_sample', session.name);
    const count = frames.length;
    const part = (index: number): FloatTensor =>
      sliceBatch(noise, index * count, (index + 1) * count);
    // The graph knows its halves by their places, so both run also where only one counts.
    return joinBatches(
      scales.map((scale, drawn) =>
        scale === 1 ? part(2 + drawn) : combine([part(drawn), part(2 + drawn)], [1, scale]),
      ),
    );
  };
}
