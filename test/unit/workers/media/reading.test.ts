// What reading decides without a codec: the order of pictures, how they are kept, how messages are handed over.

import { expect, test } from 'vitest';
import { BivdiffError } from '../../../../common/errors.ts';
import { byNumbersInName } from '../../../../workers/media/sources/image-source.ts';
import { MessageQueue } from '../../../../workers/media/process/message-queue.ts';
import { decodePng, encodePng } from '../../../../workers/media/pixels/png.ts';

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
