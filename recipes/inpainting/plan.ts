// How frames with a part drawn anew come about: the part is a rectangle, still or moving, or where a mask is white.

import { restingOn } from '../../common/problems.ts';
import type { RecipePlan, RecipeRequest } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';
import { rectangleAt, rectangleProblem } from '../pipeline/rectangles.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';
import { furtherIngest } from '../pipeline/source-nodes.ts';
import {
  checkFeather,
  drawingOf,
  hiddenPartsNodes,
  hiddenPartsOf,
  inpaintGenerator,
  sizeOf,
  sizeRestsOn,
} from './hidden-parts.ts';
import type { HiddenPartsJob } from './hidden-parts.ts';

type Spec = SpecOf<'inpainting'>;

export interface InpaintingJob extends HiddenPartsJob {
  readonly task: 'inpainting';
  /** Absent where the job's source `mask` says it. */
  readonly mask?: { readonly from: Rectangle; readonly to?: Rectangle };
}

export const inpainting: RecipePlan<Spec, InpaintingJob> = {
  accept: (request) => {
    const { rectangle, to } = request.spec.mask;
    checkMask(request);
    checkFeather(request);
    const generator = inpaintGenerator(request);
    if (generator === undefined) return undefined;
    const part = hiddenPartsOf('inpainting', generator, request);
    if (rectangle === undefined) return part;
    return { ...part, mask: { from: rectangle, ...(to === undefined ? {} : { to }) } };
  },
  drawing: drawingOf,
  nodes: (job) => {
    const { mask } = job;
    if (mask === undefined) return hiddenPartsNodes(job, { mask: furtherIngest(job, 'mask') });
    return hiddenPartsNodes(job, {
      rectanglesAt: (frame) => [rectangleAt(mask, frame, job.frames)],
    });
  },
};

/** What is drawn anew is said once, by one means. */
function checkMask(request: RecipeRequest<Spec>): void {
  const { problems, spec } = request;
  const { path, rectangle, to } = spec.mask;
  if (path === undefined && rectangle === undefined) {
    restingOn(problems, 'mask').push(
      'mask.path: missing; what is drawn anew is said by a mask (--mask FILE) or a rectangle (--mask-rectangle X,Y,W,H)',
    );
  }
  if (path !== undefined && rectangle !== undefined) {
    restingOn(problems, 'mask.path').push(
      'mask.rectangle: the mask says what is drawn anew, and so does the rectangle; leave one of them out',
    );
  }
  if (rectangle === undefined && to !== undefined) {
    restingOn(problems, 'mask.rectangle').push(
      'mask.to: is where a rectangle moves to (--mask-rectangle), and there is none; a mask moves by itself',
    );
  }
  const size = sizeOf(request);
  const ofSize = restingOn(problems, ...sizeRestsOn(request));
  for (const [field, one] of Object.entries({ rectangle, to })) {
    const problem = one && rectangleProblem(one, size);
    if (problem !== undefined) ofSize.push(`mask.${field}: ${problem}`);
  }
}
