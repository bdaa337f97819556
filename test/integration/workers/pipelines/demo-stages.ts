// Runs stage bodies on this thread over the models that ship, with the real sessions and tokenizers.

import { fileURLToPath } from 'node:url';

import { openModelSet } from '../../../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../../../common/models/model-set.ts';
import type { ParamsByStage } from '../../../../common/stages.ts';
import type { JsonObject } from '../../../../common/task.ts';
import { findBody, LANE_STAGES } from '../../../../recipes/lane-stages.ts';
import { createStageContext, LaneState } from '../../../../workers/inference/lanes/lane-context.ts';
import type { LaneSettings } from '../../../../workers/inference/lanes/lane-job.ts';
import type { LaneStage, StageContext } from '../../../../workers/inference/ports.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';

export type LaneStageName = keyof typeof LANE_STAGES;

export interface DemoRun<S extends LaneStageName> {
  readonly params: ParamsByStage[S];
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly frames: readonly number[];
  /** Replaces the scheduler's config. */
  readonly scheduler?: JsonObject;
  /** In place of the models that ship, by role. */
  readonly models?: Readonly<Record<string, ModelPart>>;
}

export class DemoStages {
  readonly set: ModelSet;
  readonly #state: LaneState;

  private constructor(set: ModelSet, lane: Pick<LaneSettings, 'threads' | 'memoryLimitBytes'>) {
    this.set = set;
    this.#state = new LaneState({ ...lane, executionProviders: ['cpu'] });
  }

  static async open({ threads = 1, memoryLimitBytes = 2 ** 30 } = {}): Promise<DemoStages> {
    const folder = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
    return new DemoStages(await openModelSet(folder), { threads, memoryLimitBytes });
  }

  /** Of the weights of all that was loaded and not released. */
  get loadedBytes(): number {
    return this.#state.sessions.load.loadedBytes;
  }

  async close(): Promise<void> {
    await this.#state.sessions.clear();
  }

  /** What the stage makes. */
  async run<S extends LaneStageName>(
    stage: S,
    run: DemoRun<S>,
  ): Promise<Readonly<Record<string, Tensor>>> {
    const { params, tensors, frames } = run;
    const { body } = LANE_STAGES[stage] as unknown as LaneStage<ParamsByStage[S]>;
    return body({ params, tensors, frames }, this.context(stage, run));
  }

  /** By role, as the planner gives them. */
  modelsOf(stage: LaneStageName, params: unknown): Readonly<Record<string, ModelPart>> {
    return modelsOf(this.set, stage, params);
  }

  context<S extends LaneStageName>(
    stage: S,
    run: Pick<DemoRun<S>, 'params' | 'scheduler' | 'models'>,
  ): StageContext {
    const models = { ...this.modelsOf(stage, run.params), ...run.models };
    const { scheduler } = models;
    if (run.scheduler !== undefined && scheduler !== undefined) {
      models['scheduler'] = { ...scheduler, config: run.scheduler };
    }
    const job = { stage, params: run.params, tensors: {}, frames: [], models };
    const { graphs } = LANE_STAGES[stage] as unknown as LaneStage<ParamsByStage[S]>;
    return createStageContext(job, this.#state, {
      graphs: graphs?.(run.params) ?? {},
      isCancelled: () => false,
      onProgress: () => undefined,
      standsAt: () => undefined,
    });
  }
}

function modelsOf(set: ModelSet, stage: LaneStageName, params: unknown): Record<string, ModelPart> {
  const { image } = set;
  const video = set.videos[set.defaultVideo]!;
  const imageText = { tokenizer: image.tokenizer, 'text-encoder': image.textEncoder };
  const videoText = { tokenizer: video.tokenizer, 'text-encoder': video.textEncoder };
  const { scheduler } = image;
  switch (stage) {
    case 'generate': {
      const { task } = params as ParamsByStage['generate'];
      const drawn = task === 'outpainting' ? 'inpainting' : task;
      const generator = Object.values(set.generators).find((one) => one.task === drawn)!;
      return {
        ...imageText,
        scheduler,
        unet: generator.unet,
        'vae-decoder': image.vaeDecoder,
        ...(findBody(task)?.graphs === undefined ? {} : { 'vae-encoder': image.vaeEncoder }),
      };
    }
    case 'encode':
      return { 'vae-encoder': image.vaeEncoder };
    case 'invert-image': {
      const { normScope } = params as ParamsByStage['invert-image'];
      const unet = normScope === 'window' ? image.unetInflated! : image.unet;
      return { ...imageText, scheduler, unet };
    }
    case 'invert-video':
    case 'smooth':
      return { ...videoText, scheduler, unet: video.unet };
    case 'decode':
      return { 'vae-decoder': image.vaeDecoder };
    default:
      return {};
  }
}
