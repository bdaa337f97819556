// The stages that run in lanes, by name. Ingest and assemble are not here: media processes do them.

import type { ParamsByStage } from '../common/stages.ts';
import type { StageBody } from '../workers/inference/ports.ts';
import { annotate } from '../workers/pipelines/annotate/body.ts';
import { decode } from '../workers/pipelines/decode/body.ts';
import { encode } from '../workers/pipelines/encode/body.ts';
import { generate } from './controlnet/body.ts';
import { invertImage } from '../workers/pipelines/invert-image/body.ts';
import { invertVideo } from '../workers/pipelines/invert-video/body.ts';
import { measure } from '../workers/pipelines/measure/body.ts';
import { mix } from '../workers/pipelines/mix/body.ts';
import { smooth } from '../workers/pipelines/smooth/body.ts';

type LaneStages = Omit<ParamsByStage, 'ingest' | 'assemble'>;

export const STAGE_BODIES: { readonly [S in keyof LaneStages]: StageBody<LaneStages[S]> } = {
  annotate,
  generate,
  encode,
  'invert-image': invertImage,
  'invert-video': invertVideo,
  mix,
  smooth,
  decode,
  measure,
};
