// Goal: depth and joints come out of graphs of the shapes that published ones have, through real sessions, whatever frames a task has.

import { afterAll, describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import type { OwnSkeleton } from '../../../../common/models/annotator-card.ts';
import type { EstimateParams } from '../../../../common/stages.ts';
import type { JsonObject } from '../../../../common/task.ts';
import { LANE_STAGES } from '../../../../recipes/lane-stages.ts';
import { createStageContext, LaneState } from '../../../../workers/inference/lanes/lane-context.ts';
import { frameTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, FrameTensor } from '../../../../workers/tensor/tensor.ts';
import { graphPath } from '../../../support/models/paths.ts';

const state = new LaneState({
  ...{ threads: 2, memoryLimitBytes: 2 ** 28, executionProviders: ['cpu'] },
});
afterAll(async () => state.sessions.clear());

const NORMAL: JsonObject = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };

interface Asked {
  readonly params: EstimateParams;
  readonly frames: FrameTensor;
  readonly config?: JsonObject;
}

async function estimate(graph: string, asked: Asked): Promise<FrameTensor> {
  return (await outputsOf(graph, asked)).control;
}

async function outputsOf(graph: string, { params, frames, config = NORMAL }: Asked) {
  const path = graphPath(`${graph}.onnx`);
  const part = { name: `image/annotator+${graph}`, digest: digestText(graph), graph: path, config };
  const indices = Array.from({ length: frames.shape[0]! }, (_, i) => i);
  const job = { stage: 'estimate', params, tensors: {}, frames: [], models: { annotator: part } };
  const { body, graphs } = LANE_STAGES.estimate;
  const context = createStageContext(job, state, {
    graphs: graphs!(params),
    isCancelled: () => false,
    onProgress: () => undefined,
    standsAt: () => undefined,
  });
  const tensors = { frames };
  const { control, joints } = await body({ params, tensors, frames: indices }, context);
  expect(control!.shape).toEqual(frames.shape);
  return { control: control as FrameTensor, joints: joints as FloatTensor | undefined };
}

/** Frames that get brighter from left to right, each from another level on. */
function slopes(count: number, width = 64, height = 32): FrameTensor {
  const frames = frameTensor([count, height, width, 3]);
  for (let i = 0; i < frames.data.length; i += 1) {
    const x = Math.floor(i / 3) % width;
    frames.data[i] = 3 * x + 5 * Math.floor(i / (3 * width * height));
  }
  return frames;
}

const greyAt = ({ data, shape }: FrameTensor, frame: number, x: number): number =>
  data[3 * (frame * shape[1]! * shape[2]! + 7 * shape[2]! + x)]!;

describe('depth', () => {
  const params = { kind: 'depth' } as const;

  it('of a graph of any size goes from black to white in each frame', async () => {
    const control = await estimate('depth-any-size', { params, frames: slopes(3) });
    for (const frame of [0, 1, 2]) {
      const greys = [0, 32, 63].map((x) => greyAt(control, frame, x));
      expect(greys).toEqual([0, 130, 255]);
    }
  });

  it('of a graph of one size and one picture has the size of the frames', async () => {
    const control = await estimate('depth-one-size', { params, frames: slopes(3, 80, 48) });
    for (const frame of [0, 1, 2]) {
      expect(greyAt(control, frame, 0)).toBeLessThan(3);
      expect(greyAt(control, frame, 40)).toBeGreaterThan(120);
      expect(greyAt(control, frame, 40)).toBeLessThan(137);
      expect(greyAt(control, frame, 79)).toBeGreaterThan(252);
    }
  });

  it('sees frames at the size that the config says', async () => {
    const config = { ...NORMAL, size: { height: 16, width: 24 } };
    const control = await estimate('depth-any-size', { params, frames: slopes(2), config });
    expect(greyAt(control, 1, 0)).toBe(0);
    expect(greyAt(control, 1, 63)).toBe(255);
  });

  it.each(['depth-any-size', 'depth-one-size'])(
    'of %s is that of each frame alone',
    async (graph) => {
      const frames = slopes(5);
      const size = frames.data.length / 5;
      const together = await estimate(graph, { params, frames });
      for (let i = 0; i < 5; i += 1) {
        const own = frameTensor([1, 32, 64, 3], frames.data.slice(i * size, (i + 1) * size));
        const alone = await estimate(graph, { params, frames: own });
        expect(together.data.subarray(i * size, (i + 1) * size)).toEqual(alone.data);
      }
    },
  );
});

/** Black, with a dot of each channel's own; places are x, y. */
function dots(places: readonly (readonly [number, number])[], width: number, height: number) {
  const frames = frameTensor([1, height, width, 3]);
  for (const [channel, [cx, cy]] of places.entries()) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const near = Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 18);
        frames.data[3 * (y * width + x) + channel] = Math.round(255 * near);
      }
    }
  }
  return frames;
}

/** The middle of all pixels of a colour. */
function middleOf({ data, shape }: FrameTensor, color: readonly number[]) {
  const width = shape[2]!;
  const found: [number, number][] = [];
  for (let i = 0; i < data.length / 3; i += 1) {
    if (color.every((level, c) => data[3 * i + c] === level)) {
      found.push([i % width, Math.floor(i / width)]);
    }
  }
  const mean = (axis: 0 | 1) => found.reduce((sum, one) => sum + one[axis], 0) / found.length;
  return [mean(0), mean(1)] as const;
}

describe('pose', () => {
  const colors: [number, number, number][] = [
    [255, 255, 255],
    [255, 0, 0],
    [0, 0, 255],
  ];
  const skeleton: OwnSkeleton = { edges: [[0, 1]], colors, radius: 6, lineWidth: 4 };
  const params = { kind: 'pose', skeleton, threshold: 0.3 } as const;

  it.each([
    ['pose-simcc', 96, 128],
    ['pose-simcc', 48, 64],
    ['pose-heatmaps', 96, 128],
  ])('of %s: joints of frames of %ix%i are drawn where they are', async (graph, width, height) => {
    const places = [
      [width * 0.25, height * 0.3],
      [width * 0.7, height * 0.25],
      [width * 0.5, height * 0.8],
    ] as const;
    const frames = dots(places, width, height);
    const config = { do_normalize: false };
    const { control, joints } = await outputsOf(graph, { params, frames, config });
    expect(joints!.shape).toEqual([1, 3, 3]);
    for (const [joint, color] of colors.entries()) {
      const drawn = middleOf(control, color);
      const told = [...joints!.data.subarray(3 * joint, 3 * joint + 2)];
      for (const [x, y] of [drawn, told]) {
        expect(Math.abs(x - places[joint]![0])).toBeLessThan(1);
        expect(Math.abs(y - places[joint]![1])).toBeLessThan(1);
      }
    }
  });

  it('leaves out what is not seen', async () => {
    const frames = dots([[24, 40]], 96, 128);
    const config = { do_normalize: false };
    const control = await estimate('pose-simcc', { params, frames, config });
    expect(middleOf(control, colors[0]!)[0]).not.toBeNaN();
    expect(middleOf(control, colors[1]!)[0]).toBeNaN();
    // It is told with its score.
    const { joints } = await outputsOf('pose-simcc', { params, frames, config });
    expect([2, 5].map((place) => joints!.data[place]! >= params.threshold)).toEqual([true, false]);
  });
});

describe('an annotator is refused', () => {
  const frames = slopes(1);
  const pose: EstimateParams = { kind: 'pose', skeleton: 'openpose', threshold: 0.3 };

  it.each<[string, EstimateParams, JsonObject, RegExp]>([
    ['pose-heatmaps', { kind: 'depth' }, NORMAL, /is no depth-annotator: output heatmaps/],
    ['depth-any-size', pose, NORMAL, /is no pose-annotator: output predicted_depth/],
    ['add', { kind: 'depth' }, NORMAL, /is no depth-annotator: input a: .*input b: expected none/],
    ['pose-simcc', pose, NORMAL, /finds 3 joints, and its skeleton in the card has 17/],
    ['depth-any-size', { kind: 'depth' }, {}, /config does not say .*image_mean: is missing/],
  ])('%s as %j', async (graph, params, config, sentence) => {
    const estimating = estimate(graph, { params, frames, config });
    await expect(estimating).rejects.toMatchObject({ code: 'failed-precondition' });
    await expect(estimating).rejects.toThrow(sentence);
  });
});
