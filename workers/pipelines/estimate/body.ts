// The estimate stage: what a model sees in the source's frames, as the pictures that ControlNets and T2I-Adapters draw over.

import type { EstimateParams } from '../../../common/stages.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type { Session, StageBody } from '../../inference/ports.ts';
import type { RgbImage } from '../../media/media-types.ts';
import { floatTensor, frameTensor } from '../../tensor/tensor.ts';
import type { FloatTensor } from '../../tensor/tensor.ts';
import { COCO_JOINTS, OPENPOSE, openposeJoints } from '../../vision/openpose.ts';
import type { PlaneSize } from '../../vision/resample.ts';
import { drawSkeleton } from '../../vision/skeleton.ts';
import type { Joint } from '../../vision/skeleton.ts';
import { floatOutput } from '../graph-outputs.ts';
import { sliceBatch } from '../latents.ts';
import { picturesOf } from '../pictures.ts';
import { framesInput } from '../stage-inputs.ts';
import { depthPicture } from './depth-picture.ts';
import { depthOutput, jointOutputs, pictureInput } from './graphs.ts';
import { jointsOfLines, jointsOfMaps, jointTensor } from './joints.ts';
import { preparationOf, preparedPicture, sizeFor } from './picture-input.ts';

/** Values of the pictures of one call, so that memory does not grow with the frames: four of 518x518. */
const VALUES_AT_ONCE = 4 * 3 * 518 * 518;
/** A lone one may have other last bits with other numbers of threads (lanes/lone-sample.ts). */
const BATCH_MIN = 2;

/** `control`: of the frames' shape. Of a pose also `joints`: `[frames, joints, 3]`, as they are drawn. */
export const estimate: StageBody<EstimateParams> = async (input, context) => {
  const frames = framesInput(input, 'frames');
  const graph = await context.session('annotator');
  const pictures = picturesOf(frames);
  const { width, height } = pictures[0]!;
  const { shape } = graph.inputs.find(({ name }) => name === pictureInput(graph))!;
  const preparation = preparationOf(context.config('annotator'), { part: graph.name, shape });
  const seen = sizeFor({ width, height }, preparation);
  const pixels = 3 * seen.width * seen.height;
  const own = typeof shape[0] === 'number' ? shape[0] : undefined;
  const most = own ?? Math.max(BATCH_MIN, Math.floor(VALUES_AT_ONCE / pixels));
  const control = frameTensor(frames.shape);
  const joints: (readonly Joint[])[] = [];
  for (let first = 0; first < pictures.length; first += most) {
    context.throwIfCancelled();
    const some = pictures.slice(first, first + most);
    const batch = own ?? Math.max(BATCH_MIN, some.length);
    const values = new Float32Array(batch * pixels);
    for (let i = 0; i < batch; i += 1) {
      // Places without a frame see the last one again.
      const picture = some[Math.min(i, some.length - 1)]!;
      values.set(preparedPicture(picture, seen, preparation), i * pixels);
    }
    const feed = floatTensor([batch, 3, seen.height, seen.width], values);
    const outputs = await graph.run({ [pictureInput(graph)]: feed });
    for (const [i, { width: wide, height: high }] of some.entries()) {
      const frame = { width: wide, height: high };
      const found = { graph, outputs, entry: i, sizes: { seen, frame } };
      if (input.params.kind === 'pose') joints.push(posedJoints(input.params, found));
      const drawn = draw(input.params, found, joints.at(-1) ?? []);
      control.data.set(drawn.rgb, (first + i) * drawn.rgb.length);
      context.progress(first + i + 1, pictures.length);
    }
  }
  return input.params.kind === 'pose' ? { control, joints: jointTensor(joints) } : { control };
};

type PoseParams = Extract<EstimateParams, { readonly kind: 'pose' }>;

interface Seen {
  readonly graph: Session;
  readonly outputs: Awaited<ReturnType<Session['run']>>;
  /** Of the batch. */
  readonly entry: number;
  readonly sizes: { readonly seen: PlaneSize; readonly frame: PlaneSize };
}

function draw(params: EstimateParams, seen: Seen, joints: readonly Joint[]): RgbImage {
  const { frame } = seen.sizes;
  if (params.kind === 'depth') {
    const { shape, data } = entryOf(seen, depthOutput(seen.graph));
    const [height = 0, width = 0] = shape.slice(-2);
    return depthPicture(data, { width, height }, frame);
  }
  const { skeleton, threshold } = params;
  const drawn = skeleton === 'openpose' ? OPENPOSE : skeleton;
  return drawSkeleton(joints, { ...frame, skeleton: drawn, threshold });
}

/** Those of the skeleton, in its order. */
function posedJoints({ skeleton }: PoseParams, seen: Seen): readonly Joint[] {
  const joints = jointsOf(seen);
  if (skeleton === 'openpose') {
    checkCount(seen.graph, joints, COCO_JOINTS);
    return openposeJoints(joints);
  }
  checkCount(seen.graph, joints, skeleton.colors.length);
  return joints.slice(0, skeleton.colors.length);
}

function jointsOf(seen: Seen): readonly Joint[] {
  const outputs = jointOutputs(seen.graph);
  if ('heatmaps' in outputs) {
    const { shape, data } = entryOf(seen, outputs.heatmaps);
    const [, joints = 0, height = 0, width = 0] = shape;
    return jointsOfMaps({ maps: data, joints, map: { width, height } }, seen.sizes);
  }
  const [x, y] = [entryOf(seen, outputs.x), entryOf(seen, outputs.y)];
  return jointsOfLines({ x: x.data, y: y.data, joints: x.shape[1]! }, seen.sizes);
}

/** What is seen of one frame, in a batch of one. */
function entryOf({ graph, outputs, entry }: Seen, name: string): FloatTensor {
  return sliceBatch(floatOutput(outputs, name, graph.name), entry, entry + 1);
}

function checkCount({ name }: Session, joints: readonly Joint[], wanted: number): void {
  if (joints.length >= wanted) return;
  throw new BivdiffError(
    'failed-precondition',
    `graph ${name} finds ${joints.length} joints, and its skeleton in the card has ${wanted}`,
    { retry: 'never', hint: 'Correct the skeleton in card.json; docs/annotators.md says how.' },
  );
}
