// Where decoding begins for a frame, and when it goes on instead.

import { expect, test } from 'vitest';
import {
  beginnings,
  frameOfKey,
  goesOn,
  keyBefore,
} from '../../../../workers/media/sources/frame-order.ts';

/** 1000 frames, ten ticks each, a key every 100. */
const order = {
  shown: Array.from({ length: 1000 }, (_, i) => i * 10),
  keys: Array.from({ length: 10 }, (_, i) => ({ pts: i * 1000, dts: i * 1000 - 20 })),
  interlaced: false,
};

test('begins at the last key before a frame, however far in', () => {
  expect(keyBefore(order, 951)).toBe(9);
  expect(keyBefore(order, 900)).toBe(9);
  expect(keyBefore(order, 899)).toBe(8);
  expect(frameOfKey(order, 9)).toBe(900);
});

test('begins one key earlier for the frame of a key whose fields are woven with the one before', () => {
  expect(keyBefore({ ...order, interlaced: true }, 900)).toBe(8);
  expect(keyBefore({ ...order, interlaced: true }, 901)).toBe(9);
  expect(keyBefore({ ...order, interlaced: true }, 0)).toBe(0);
});

test('decodes on to near frames, and jumps to a later key for far ones', () => {
  expect(goesOn(order, 20, 99)).toBe(true);
  expect(goesOn(order, 99, 101)).toBe(true);
  expect(goesOn(order, 130, 500)).toBe(false);
  expect(goesOn(order, 490, 500)).toBe(true);
});

test('never goes back', () => {
  expect(goesOn(order, 20, 20)).toBe(false);
  expect(goesOn(order, 20, 19)).toBe(false);
});

test('tries some keys before, should the nearest not do, and at last the beginning', () => {
  expect(beginnings(order, 951)).toEqual([9, 8, 7, 6, undefined]);
  expect(beginnings(order, 150)).toEqual([1, 0, undefined]);
});

test('begins at the beginning where frames have no times, or no key comes before', () => {
  expect(beginnings({ ...order, shown: undefined }, 951)).toEqual([undefined]);
  expect(beginnings({ ...order, keys: order.keys.slice(2) }, 150)).toEqual([undefined]);
  expect(frameOfKey({ ...order, shown: undefined }, 3)).toBe(0);
});

test('a key that is not shown, before an edit list begins, is one to begin at', () => {
  const trimmed = { ...order, shown: order.shown.slice(50).map((pts) => pts - 500) };
  const keys = order.keys.map(({ pts, dts }) => ({ pts: pts - 500, dts: dts - 500 }));
  expect(keyBefore({ ...trimmed, keys }, 0)).toBe(0);
  expect(frameOfKey({ ...trimmed, keys }, 0)).toBe(0);
});
