// What acceptance looks at in place of models and a source that could not be read. Nothing that rests on them is told.

import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import type { Digest } from '../../common/task.ts';
import { unnamedSource } from './check-sources.ts';
import type { SourceFacts } from './check-sources.ts';

const NO_DIGEST = '0'.repeat(64) as Digest;

const part: ModelPart = { name: '-', digest: NO_DIGEST, config: {}, files: [], bytes: 0 };
const texts = { tokenizer: part, textEncoder: part, unet: part };

const models: ModelSet = {
  name: '-',
  folder: '-',
  image: { ...texts, unetInflated: part, vaeEncoder: part, vaeDecoder: part, scheduler: part },
  videos: { any: { ...texts, name: 'any', window: 8 } },
  defaultVideo: 'any',
  generators: {},
  annotators: {},
  defaults: {
    ...{ guidanceScale: 1, videoGuidanceScale: 1, mixingRatio: 0.5, steps: 50 },
    ...{ width: 512, height: 512, negativePrompt: '', sampler: 'ddim', inversion: 'ddim' },
  },
  sizeMultiple: 1,
};

const source: SourceFacts = unnamedSource({
  ...{ path: '-', frames: 1000, width: 512, height: 512, alpha: false },
});

export const STAND_INS = {
  models,
  source,
  numerics: { inference: '-', media: '-', plain: '-' },
};
