// The measure stage: sums of the quality figures of some frames. The output is JSON, so it is a one-dimensional tensor of
// its UTF-8 bytes: the kind of tensor that is stored as a JSON document.

import assert from 'node:assert/strict';

import type { AnnotateParams, MeasureParams } from '../../../common/stages.ts';
import type { StageBody, StageInput } from '../../inference/ports.ts';
import type { RgbImage } from '../../media/media-types.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Joint } from '../../vision/skeleton.ts';
import { jointsOfTensor } from '../estimate/joints.ts';
import { picturesOf } from '../pictures.ts';
import { measureFrames } from './sums.ts';
import type { Compared } from './sums.ts';

/** `metrics`: `MeasureSums` as JSON, `[bytes]` uint8. */
export const measure: StageBody<MeasureParams> = async (input, context) => {
  const { params } = input;
  const frames = {
    ...(hasControl(params) && {
      control: { low: params.low, high: params.high, frames: picturesInput(input, 'control') },
    }),
    ...(params.depth && {
      depth: comparedInputs('depth', (role) => picturesInput(input, role)),
    }),
    ...(params.joints && {
      joints: {
        ...params.joints,
        ...comparedInputs('joints', (role) => jointsInput(input, role)),
      },
    }),
    generated: picturesInput(input, 'generated'),
    smoothed: picturesInput(input, 'smoothed'),
  };
  const sums = measureFrames(frames, {
    own: input.frames.length,
    seams: params.seams ?? [],
    cuts: params.cuts ?? [],
    beforeEach: () => context.throwIfCancelled(),
  });
  const json = new TextEncoder().encode(JSON.stringify(sums));
  return Promise.resolve({ metrics: { type: 'uint8', shape: [json.length], data: json } });
};

function hasControl(params: MeasureParams): params is MeasureParams & AnnotateParams {
  return params.annotator !== undefined;
}

function comparedInputs<T>(role: string, read: (role: string) => readonly T[]): Compared<T> {
  return {
    control: read(role),
    generated: read(`generated-${role}`),
    smoothed: read(`smoothed-${role}`),
  };
}

function picturesInput(input: StageInput<MeasureParams>, role: string): readonly RgbImage[] {
  const tensor = frameInput(input, role);
  assert(tensor.type === 'uint8' && tensor.shape.length === 4, `${role} is no frames`);
  return picturesOf(tensor);
}

function jointsInput(
  input: StageInput<MeasureParams>,
  role: string,
): readonly (readonly Joint[])[] {
  const tensor = frameInput(input, role);
  assert(tensor.type === 'float32' && tensor.shape[2] === 3, `${role} is no joints`);
  return jointsOfTensor(tensor);
}

/** Of the task's frames and, unless its first is the job's first or begins a part of the clip, the one before. */
function frameInput(input: StageInput<MeasureParams>, role: string): Tensor {
  const tensor = input.tensors[role];
  assert(tensor !== undefined, `${role} is missing`);
  const before = input.frames[0] === 0 || input.params.begins === true ? 0 : 1;
  assert.equal(tensor.shape[0], input.frames.length + before, `${role} has not the task's frames`);
  return tensor;
}
