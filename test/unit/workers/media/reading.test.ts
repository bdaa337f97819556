// What reading decides without a codec: where decoding starts, which way up, in which order.

import { expect, test } from 'vitest';
import { BivdiffError } from '../../../../common/errors.ts';
import { byNumbersInName } from '../../../../workers/media/sources/image-source.ts';
import { MessageQueue } from '../../../../workers/media/process/message-queue.ts';
import { rotateRgb } from '../../../../workers/media/pixels/resize.ts';
import { decodePng, encodePng } from '../../../../workers/media/pixels/png.ts';
import { runsBetweenKeys } from '../../../../workers/media/sources/video-source.ts';

/** 1000 frames, a key frame every 100. */
const index = {
  codec: 'vp09',
  width: 64,
  height: 48,
  durationUs: 0,
  framesPerSecond: 8,
  variableFrameRate: false,
  shown: Array.from({ length: 1000 }, (_, i) => ({
    timestampUs: i * 1000,
    durationUs: 1000,
    key: i % 100 === 0,
  })),
};

test('starts at the last key frame before the first frame asked for, however far in', () => {
  expect(runsBetweenKeys(index, [950, 951])).toEqual([{ start: 900, indices: [950, 951] }]);
});

test('decodes on between near frames and jumps to a later key frame for far ones', () => {
  expect(runsBetweenKeys(index, [0, 20, 99, 101, 130, 500])).toEqual([
    { start: 0, indices: [0, 20, 99, 101, 130] },
    { start: 500, indices: [500] },
  ]);
});

test('sorts pictures by the numbers in their names', () => {
  const names = ['f10.png', 'f2.png', 'F1.png', 'f010.png', 'f1.png'];
  expect(names.sort(byNumbersInName)).toEqual([
    'F1.png',
    'f1.png',
    'f2.png',
    'f010.png',
    'f10.png',
  ]);
});

test.each([
  [90, 2, 3, [5, 1, 6, 2, 7, 3]],
  [180, 3, 2, [7, 6, 5, 3, 2, 1]],
  [270, 2, 3, [3, 7, 2, 6, 1, 5]],
] as const)('turns a picture by %d degrees clockwise', (degrees, width, height, values) => {
  // 1 2 3 over 5 6 7
  const rgb = Uint8Array.from([1, 2, 3, 5, 6, 7].flatMap((value) => [value, value, value]));
  const turned = rotateRgb({ rgb, width: 3, height: 2 }, degrees);
  expect(turned).toMatchObject({ width, height });
  expect([...turned.rgb].filter((_, i) => i % 3 === 0)).toEqual(values);
});

test('keeps pixels through PNG, in the same bytes each time', async () => {
  const rgb = Uint8Array.from({ length: 31 * 17 * 3 }, (_, i) => (i * 7919) % 256);
  const image = { rgb, width: 31, height: 17 };
  const png = await encodePng(image);
  expect(await encodePng(image)).toEqual(png);
  expect(await decodePng(png)).toEqual(image);
  expect(png.constructor).toBe(Uint8Array);
});

test('calls a stored picture that is no PNG lost data', async () => {
  await expect(decodePng(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'data-loss' });
});

test('hands messages over in order, then the failure', async () => {
  const queue = new MessageQueue<number>();
  const early = queue.next();
  queue.push(1);
  queue.push(2);
  queue.fail(new BivdiffError('unavailable', 'gone'));
  expect(await early).toBe(1);
  expect(await queue.next()).toBe(2);
  await expect(queue.next()).rejects.toThrow('gone');
});
