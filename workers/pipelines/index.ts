// The stages that run in lanes, by name. Ingest and assemble are not here: media processes do them.

import type { ParamsByStage } from '../../common/stages.ts';
import type { StageBody } from '../inference/ports.ts';
import { annotate } from './annotate/body.ts';
import { decode } from './decode/body.ts';
import { encode } from './encode/body.ts';
import { generate } from './generate/body.ts';
import { invertImage } from './invert-image/body.ts';
import { invertVideo } from './invert-video/body.ts';
import { measure } from './measure/body.ts';
import { mix } from './mix/body.ts';
import { smooth } from './smooth/body.ts';

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
