import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { batchLayout, partsOfRange, windowLayout } from '../../../recipes/pipeline/layout.ts';
import type { Layout } from '../../../recipes/pipeline/layout.ts';
import { ReadyQueue } from '../../../coordinator/domain/ready-queue.ts';

const frames = fc.integer({ min: 1, max: 300 });
const size = fc.integer({ min: 1, max: 40 });

function framesOfParts(layout: Layout, range: { start: number; count: number }): number[] {
  return partsOfRange(layout, range).flatMap(({ index, offset, count }) => {
    const own = layout.range(index);
    expect(offset + count).toBeLessThanOrEqual(own.count);
    return Array.from({ length: count }, (_, i) => own.start + offset + i);
  });
}

describe('layouts', () => {
  it.each([
    ['batches', batchLayout],
    ['windows', windowLayout],
  ] as const)('%s give every frame of any range once and in order', (_, layoutOf) => {
    fc.assert(
      fc.property(frames, size, fc.nat(), fc.nat(), (count, length, a, b) => {
        const layout = layoutOf(count, length);
        const start = a % count;
        const range = { start, count: 1 + (b % (count - start)) };
        const wanted = Array.from({ length: range.count }, (__, i) => start + i);
        expect(framesOfParts(layout, range)).toEqual(wanted);
      }),
    );
  });

  it('windows are all of full length', () => {
    fc.assert(
      fc.property(frames, size, (count, length) => {
        const layout = windowLayout(count, length);
        for (let index = 0; index < layout.count; index += 1) {
          expect(layout.range(index).count).toBe(Math.min(length, count));
        }
      }),
    );
  });
});

describe('ReadyQueue', () => {
  it('gives tasks by priority, then by number', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (priorities) => {
        const queue = new ReadyQueue((task) => priorities[task]!);
        priorities.forEach((_, task) => {
          queue.push(task);
        });
        const expected = priorities
          .map((priority, task) => ({ priority, task }))
          .sort((a, b) => a.priority - b.priority || a.task - b.task)
          .map(({ task }) => task);
        const given: number[] = [];
        for (let task = queue.pop(); task !== undefined; task = queue.pop()) given.push(task);
        expect(given).toEqual(expected);
      }),
    );
  });
});
