// Goal: a checkpoint is left so often, and at a stop if much would be lost; never twice for one step. Method: a clock that is moved by hand.

import { describe, expect, it } from 'vitest';

import { CheckpointClock } from '../../../../workers/inference/lanes/checkpoint-clock.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';

const EVERY_SECONDS = 10;

/** Takes steps that end at these seconds, from `doneSteps` on; gives the clock and what was left. */
function steps(ends: readonly number[], { doneSteps = 0, everySeconds = EVERY_SECONDS } = {}) {
  const left: number[] = [];
  let nowMs = 0;
  const clock = new CheckpointClock(
    everySeconds,
    (checkpoint) => {
      expect(checkpoint.tensors['sample']!.data).toEqual(Float32Array.of(checkpoint.doneSteps));
      left.push(checkpoint.doneSteps);
    },
    () => nowMs,
  );
  const standsAt = (step: number): void => {
    clock.standsAt(step, () => ({ sample: floatTensor([1], Float32Array.of(step)) }));
  };
  standsAt(doneSteps);
  ends.forEach((seconds, index) => {
    nowMs = seconds * 1000;
    standsAt(doneSteps + index + 1);
  });
  const stopAt = (seconds: number): void => {
    nowMs = seconds * 1000;
    clock.stopped();
  };
  return { left, stopAt };
}

describe('CheckpointClock', () => {
  it('leaves one after the first step that ends so long after the last', () => {
    expect(steps([4, 8, 12, 16, 21]).left).toEqual([3]);
    expect(steps([4, 8, 12, 16, 21, 22, 23, 40, 41]).left).toEqual([3, 6, 8]);
  });

  it('leaves none of what an earlier run has done, and counts on from there', () => {
    const { left, stopAt } = steps([], { doneSteps: 5 });
    stopAt(100);
    expect(left).toEqual([]);
    expect(steps([11], { doneSteps: 5 }).left).toEqual([6]);
  });

  it('leaves one at a stop if a fifth of the interval would be lost', () => {
    const soon = steps([0.5, 1]);
    soon.stopAt(1.9);
    expect(soon.left).toEqual([]);
    const late = steps([0.5, 1]);
    late.stopAt(2);
    expect(late.left).toEqual([2]);
    late.stopAt(9);
    expect(late.left).toEqual([2]);
  });

  it('leaves none if there shall be none', () => {
    const { left, stopAt } = steps([1e3, 1e6], { everySeconds: Infinity });
    stopAt(1e9);
    expect(left).toEqual([]);
  });
});
