// A made-up model set with controls of every kind, and jobs accepted for it.

import { digestText } from '../../../../common/digest.ts';
import type { Annotator, ModelSet } from '../../../../common/models/model-set.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpGenerator, madeUpModels, madeUpPart } from '../../../support/made-up-models.ts';

export const CANNY = { annotator: 'canny', low: 60, high: 150 };
const DEPTH = { annotator: 'depth' };
export const SKELETON = {
  edges: [[0, 1]] as [number, number][],
  colors: [
    [255, 255, 255],
    [255, 0, 0],
  ] as [number, number, number][],
  ...{ radius: 4, lineWidth: 4 },
};
export const controlnet = (
  name: string,
  ...conditions: { annotator: string; scale?: number | string | undefined }[]
) => madeUpGenerator({ name, unet: madeUpPart(`image/unet+${name}`), conditions });
export const ANNOTATORS: Record<string, Annotator> = {
  depth: { name: 'depth', kind: 'depth', model: madeUpPart('image/annotator+depth') },
  pose: {
    ...{ name: 'pose', kind: 'pose', model: madeUpPart('image/annotator+pose') },
    ...{ skeleton: SKELETON, threshold: 0.3 },
  },
};
export const CONTROLLED_MODELS: ModelSet = {
  ...madeUpModels(
    controlnet('canny', CANNY),
    controlnet('depth', DEPTH),
    controlnet('pose', { annotator: 'pose' }),
    controlnet('canny+depth', CANNY, DEPTH),
    controlnet('blind', { annotator: 'normals' }),
    madeUpGenerator({
      ...{ name: 't2i-depth', task: 't2i-adapter', unet: madeUpPart('image/unet+t2i-depth') },
      conditions: [DEPTH],
    }),
  ),
  annotators: ANNOTATORS,
};

export function accept(settings: object, set = CONTROLLED_MODELS): AcceptedJob {
  const whole = {
    ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', input: { path: 'c.mp4' }, prompt: 'p' },
    output: { comparison: true, contactSheet: true },
  };
  const spec = parseRenderSpec({ ...whole, ...settings }, 'the test');
  const source = { kind: 'video', digest: digestText('c'), path: 'c.mp4', frames: 29 } as const;
  const numerics = { inference: 'i', media: 'm', plain: 'p' };
  return acceptSpec({
    spec,
    models: set,
    source: { ...source, alpha: false, width: 128, height: 128 },
    numerics,
  });
}
