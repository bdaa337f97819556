// How edited frames come about: the source's frames, the noise that each was inverted to, and from it the frame as the edited prompt has it.

import type { Generator } from '../../common/models/model-set.ts';
import { contentsOf, restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import { bridgeNodes, encodeParams } from '../pipeline/bridge-nodes.ts';
import { drawingRoles, encodingRole, generatorRefs, partRef } from '../pipeline/generator-parts.ts';
import { drawingParams, drawingSettings, drawnBy } from '../pipeline/generator-settings.ts';
import type { DrawingJob, DrawingParams } from '../pipeline/generator-settings.ts';
import type { PartRef } from '../pipeline/job-base.ts';
import { counterpartOf, framesOf, planNode } from '../pipeline/plan-node.ts';
import type { NodeOutput, PlanNode } from '../pipeline/plan-node.ts';
import { assembleNode, measureNode } from '../pipeline/result-nodes.ts';
import { ingestNode } from '../pipeline/source-nodes.ts';
import type { RecipePart, RecipePlan, RecipeRequest } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import type { PromptToPromptParams } from './params.ts';
import { namesWithout, wordsOf } from './words.ts';

type Spec = SpecOf<'prompt-to-prompt'>;
type Edit = Omit<PromptToPromptParams, keyof DrawingParams | 'task'>;

export interface PromptToPromptJob extends DrawingJob {
  readonly task: 'prompt-to-prompt';
  readonly edit: Edit & Pick<Spec['edit'], 'sourceInversion'>;
  readonly models: DrawingJob['models'] & {
    /** The image UNet with its attention led by inputs. */
    readonly promptUnet: PartRef;
    /** The plain one, by which each frame of the source is inverted alone, as it is drawn. */
    readonly sourceUnet: PartRef;
  };
}

export const promptToPrompt: RecipePlan<Spec, PromptToPromptJob> = {
  accept,
  // Its graph runs whole.
  drawing: (request) => ({
    ...drawnBy(generatorOf(request.models), request),
    cachedUnet: undefined,
  }),
  nodes,
};

function generatorOf({ generators }: RecipeRequest<Spec>['models']): Generator | undefined {
  return Object.values(generators).find(({ task }) => task === 'prompt-to-prompt');
}

function accept(request: RecipeRequest<Spec>): RecipePart<PromptToPromptJob> | undefined {
  const { spec, models, problems } = request;
  // Nearly all of it compares the two prompts.
  const edit = editOf(spec, restingOn(problems, 'prompt', 'edit'));
  const generator = generatorOf(models);
  if (generator === undefined) {
    restingOn(problems, contentsOf('models')).push(
      `task: the models in ${models.folder} have no UNet whose attention a prompt can lead, with which prompt-to-prompt draws; \`python -m export\` writes one`,
    );
    return undefined;
  }
  const { unet, ...others } = generatorRefs(generator, models.image);
  return {
    task: 'prompt-to-prompt',
    edit: { ...edit, sourceInversion: spec.edit.sourceInversion },
    ...drawingSettings(spec, models),
    models: { promptUnet: unet, sourceUnet: partRef(models.image.unet), ...others },
  };
}

function editOf({ edit, prompt }: Spec, problems: ProblemSink): Edit {
  const { kind, sourcePrompt = prompt, weights = {}, blendWords, blendThreshold } = edit;
  const { crossReplace, selfReplace, sourceGuidanceScale } = edit;
  const [source, edited] = [wordsOf(sourcePrompt), wordsOf(prompt)];
  if (edited.length === 0) problems.push('prompt: has no words; it says what the clip shall show');
  if (edit.sourcePrompt !== undefined && source.length === 0) {
    problems.push('edit.sourcePrompt: has no words; it says what the source shows');
  }
  if (kind === 'replace' && source.length !== edited.length) {
    problems.push(
      `edit.kind: replace goes word by word, and the source's prompt has ${countText(source)}, the edited one ${countText(edited)}; choose refine, or prompts of equal length`,
    );
  }
  if (source.join(' ') === edited.join(' ') && Object.keys(weights).length === 0) {
    problems.push(
      `edit.sourcePrompt: ${edit.sourcePrompt === undefined ? 'missing' : 'the same as the prompt'}, so nothing would change; it says what the source shows, or give weights of words`,
    );
  }
  const unknown = namesWithout(Object.keys(weights), prompt);
  if (unknown.length > 0) {
    problems.push(`edit.weights: the prompt has no ${orText(unknown)}`);
  }
  checkBlend(blendWords, { sourcePrompt, prompt }, problems);
  return {
    ...{ kind, sourcePrompt, sourceGuidanceScale, weights, crossReplace, selfReplace },
    ...(blendWords && { blend: { words: blendWords, threshold: blendThreshold } }),
  };
}

function checkBlend(
  names: readonly string[] = [],
  { sourcePrompt, prompt }: { readonly sourcePrompt: string; readonly prompt: string },
  problems: ProblemSink,
): void {
  const absent = {
    'source prompt': namesWithout(names, sourcePrompt),
    'edited prompt': namesWithout(names, prompt),
  };
  const nowhere = absent['source prompt'].filter((name) => absent['edited prompt'].includes(name));
  if (nowhere.length > 0) {
    problems.push(`edit.blendWords: neither prompt has ${orText(nowhere)}`);
    return;
  }
  for (const [which, missing] of Object.entries(absent)) {
    if (names.length === 0 || missing.length < names.length) continue;
    problems.push(
      `edit.blendWords: the ${which} has none of ${names.join(', ')}; name a word of each`,
    );
  }
}

function countText({ length }: readonly string[]): string {
  return length === 1 ? '1 word' : `${length} words`;
}

function orText(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(' or ');
}

function nodes(job: PromptToPromptJob): readonly PlanNode[] {
  const { models } = job;
  const { sourceInversion, ...edit } = job.edit;
  const ingest = ingestNode(job);
  const source = { node: ingest, output: 'frames' };
  const by = sourceInversion === 'source-prompt' ? edit.sourcePrompt : job.negativePrompt;
  const inversion = sourceNodes(job, source, by);
  const generate = planNode('generate', {
    layout: ingest.layout,
    params: (index): PromptToPromptParams => ({
      // Its graph takes all branches at every step, and runs whole.
      ...drawingParams({ ...job, guidanceEnd: 1, cacheInterval: 1 }, ingest.layout.range(index)),
      ...edit,
      ...{ prompt: job.prompt, task: job.task },
    }),
    models: drawingRoles(models, models.promptUnet),
    inputs: { noise: counterpartOf({ node: inversion.at(-1)!, output: 'noise' }) },
  });
  const generated = { node: generate, output: 'frames' };
  const bridge = bridgeNodes(job, generated);
  const results = { generated, smoothed: bridge.smoothed };
  return [
    ...[ingest, ...inversion, generate, ...bridge.nodes],
    ...[measureNode(job, results), assembleNode(job, results, { source })],
  ];
}

/** The last one makes the noise from which the image model draws the source's frames, each alone. */
function sourceNodes(job: PromptToPromptJob, source: NodeOutput, prompt: string): PlanNode[] {
  const { models, inversion: mode, steps } = job;
  const { layout } = source.node;
  const encode = planNode('encode', {
    name: 'encode-source',
    layout,
    params: (index) => encodeParams(job, layout.range(index)),
    models: encodingRole(models),
    inputs: { frames: framesOf(source, layout) },
  });
  const {
    tokenizer,
    'text-encoder': textEncoder,
    scheduler,
  } = drawingRoles(models, models.sourceUnet);
  const invert = planNode('invert-image', {
    name: 'invert-source',
    layout,
    params: () => ({ mode, steps, negativePrompt: prompt, normScope: 'frame' }),
    models: { tokenizer, 'text-encoder': textEncoder, unet: models.sourceUnet, scheduler },
    inputs: { latents: counterpartOf({ node: encode, output: 'latents' }) },
  });
  return [encode, invert];
}
