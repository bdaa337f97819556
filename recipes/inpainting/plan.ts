// How frames with a part drawn anew come about: the part is a rectangle, still or moving.

import type { RecipePlan } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import { rectangleAt, rectangleProblem } from '../pipeline/rectangles.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';
import {
  drawingOf,
  hiddenPartsNodes,
  hiddenPartsOf,
  inpaintGenerator,
  sizeOf,
} from './hidden-parts.ts';
import type { HiddenPartsJob } from './hidden-parts.ts';

export interface InpaintingJob extends HiddenPartsJob {
  readonly task: 'inpainting';
  readonly mask: { readonly from: Rectangle; readonly to?: Rectangle };
}

export const inpainting: RecipePlan<SpecOf<'inpainting'>, InpaintingJob> = {
  accept: (request) => {
    const { rectangle, to } = request.spec.mask;
    if (rectangle === undefined) {
      request.problems.push('mask.rectangle: missing; what is drawn anew, as X,Y,WIDTH,HEIGHT');
    }
    const size = sizeOf(request);
    for (const [field, one] of Object.entries({ rectangle, to })) {
      const problem = one && rectangleProblem(one, size);
      if (problem !== undefined) request.problems.push(`mask.${field}: ${problem}`);
    }
    const generator = inpaintGenerator(request);
    if (generator === undefined || rectangle === undefined) return undefined;
    return {
      ...hiddenPartsOf('inpainting', generator, request),
      mask: { from: rectangle, ...(to === undefined ? {} : { to }) },
    };
  },
  drawing: drawingOf,
  nodes: (job) => hiddenPartsNodes(job, (frame) => [rectangleAt(job.mask, frame, job.frames)]),
};
