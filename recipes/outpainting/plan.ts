// How frames with sides drawn anew come about.

import { restingOn } from '../../common/problems.ts';
import type { ProblemSink } from '../../common/problems.ts';
import {
  checkFeather,
  drawingOf,
  hiddenPartsNodes,
  hiddenPartsOf,
  inpaintGenerator,
  sizeOf,
  sizeRestsOn,
} from '../inpainting/hidden-parts.ts';
import type { HiddenPartsJob } from '../inpainting/hidden-parts.ts';
import type { Rectangle } from '../pipeline/rectangles.ts';
import type { RecipePlan } from '../recipe.ts';
import type { SpecOf } from '../spec/schema.ts';

type Spec = SpecOf<'outpainting'>;

type Margins = Readonly<{ left: number; right: number; top: number; bottom: number }>;

export interface OutpaintingJob extends HiddenPartsJob {
  readonly task: 'outpainting';
  readonly margins: Margins;
}

export const outpainting: RecipePlan<Spec, OutpaintingJob> = {
  accept: (request) => {
    const ofSize = restingOn(request.problems, ...sizeRestsOn(request));
    const margins = marginsOf(request.spec.outpaint, sizeOf(request), {
      problems: request.problems,
      ofSize,
    });
    checkFeather(request);
    const generator = inpaintGenerator(request);
    if (generator === undefined) return undefined;
    return { ...hiddenPartsOf('outpainting', generator, request), margins };
  },
  drawing: drawingOf,
  nodes: (job) => {
    const sides = sidesOf(job.margins, job);
    return hiddenPartsNodes(job, { rectanglesAt: () => sides });
  },
};

function marginsOf(
  { direction, ...given }: Spec['outpaint'],
  { width, height }: { readonly width: number; readonly height: number },
  { problems, ofSize }: { readonly problems: ProblemSink; readonly ofSize: ProblemSink },
): Margins {
  const sides = Object.keys(given);
  if (direction !== undefined && sides.length > 0) {
    problems.push(
      `outpaint.direction: ${direction} says which sides, and so ${sides.length === 1 ? 'does' : 'do'} ${sides.join(', ')}; leave one of them out`,
    );
  }
  const none = { left: 0, right: 0, top: 0, bottom: 0 };
  if (sides.length === 0) {
    const [wide, high] = [Math.floor(width / 4), Math.floor(height / 4)];
    return direction === 'vertical'
      ? { ...none, left: wide, right: wide }
      : { ...none, top: high, bottom: high };
  }
  const { left = 0, right = 0, top = 0, bottom = 0 } = given;
  if (left + right + top + bottom === 0) problems.push('outpaint: no side has any pixels');
  if (left + right >= width || top + bottom >= height) {
    ofSize.push(
      `outpaint: nothing of frames of ${width}x${height} is left between ${left} and ${right}, ${top} and ${bottom} pixels`,
    );
  }
  return { left, right, top, bottom };
}

function sidesOf(
  { left, right, top, bottom }: Margins,
  { width, height }: { readonly width: number; readonly height: number },
): readonly Rectangle[] {
  const all: Rectangle[] = [
    { x: 0, y: 0, width: left, height },
    { x: width - right, y: 0, width: right, height },
    { x: 0, y: 0, width, height: top },
    { x: 0, y: height - bottom, width, height: bottom },
  ];
  return all.filter((side) => side.width > 0 && side.height > 0);
}
