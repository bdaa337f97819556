// Where an edit may differ from its source, on maps that were worked out by hand.

import { expect, it } from 'vitest';

import { LocalBlend } from '../../../../recipes/prompt-to-prompt/local-blend.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';

const TOKENS = 5;

/** Maps of 4x4 positions for a source and its edit, each with attention at one place to one token. */
function mapsOf(source: { at: number; token: number }, edit: { at: number; token: number }) {
  const maps = floatTensor([2, 16, TOKENS]);
  maps.data[source.at * TOKENS + source.token] = 1;
  maps.data[(16 + edit.at) * TOKENS + edit.token] = 1;
  return maps;
}

/** Latents of 8x8: sources 0, edits 1. */
function samples(): FloatTensor {
  const sample = floatTensor([2, 3, 8, 8]);
  sample.data.fill(1, sample.data.length / 2);
  return sample;
}

/** Which of the 4x4 places differ from the source, in each channel alike. */
function changedOf({ data }: FloatTensor): string[] {
  const edit = data.subarray(data.length / 2);
  return Array.from({ length: 4 }, (_, row) =>
    Array.from({ length: 4 }, (__, column) => {
      const seen = new Set<number>();
      for (const channel of [0, 1, 2]) {
        for (const [y, x] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const) {
          seen.add(edit[channel * 64 + (2 * row + y) * 8 + 2 * column + x]!);
        }
      }
      expect(seen.size).toBe(1);
      return [...seen][0] === 1 ? 'x' : '.';
    }).join(''),
  );
}

it('changes where source or edit attend to their words, and next to it', () => {
  const blend = new LocalBlend({ places: [[2], [3]], threshold: 0.3 });
  blend.see(mapsOf({ at: 0, token: 2 }, { at: 15, token: 3 }));
  const changed = blend.apply(samples());
  expect(changedOf(changed)).toEqual(['xx..', 'xx..', '..xx', '..xx']);
  expect(changed.data.subarray(0, 192).every((value) => value === 0)).toBe(true);
});

it('looks at no other words', () => {
  const blend = new LocalBlend({ places: [[2], [3]], threshold: 0.3 });
  const maps = mapsOf({ at: 0, token: 2 }, { at: 0, token: 3 });
  maps.data[15 * TOKENS + 3] = 9;
  maps.data[31 * TOKENS + 2] = 9;
  blend.see(maps);
  expect(changedOf(blend.apply(samples()))).toEqual(['xx..', 'xx..', '....', '....']);
});

it('counts the attention of all steps so far, of which a checkpoint holds the sum', () => {
  const first = mapsOf({ at: 0, token: 2 }, { at: 0, token: 3 });
  const then = mapsOf({ at: 15, token: 2 }, { at: 15, token: 3 });
  const through = new LocalBlend({ places: [[2], [3]], threshold: 0.3 });
  through.see(first);
  through.apply(samples());
  const state = through.saveState();
  through.see(then);
  const whole = through.apply(samples());
  expect(changedOf(whole)).toEqual(['xx..', 'xx..', '..xx', '..xx']);

  const resumed = new LocalBlend({ places: [[2], [3]], threshold: 0.3 });
  resumed.restoreState(state);
  resumed.see(then);
  expect(resumed.apply(samples()).data).toEqual(whole.data);
  // What the first has gathered since is not in what it gave before.
  expect(state['attention']!.data.reduce((sum, value) => sum + value, 0)).toBe(2);
});

it('refuses what is no sum of attention', () => {
  const blend = new LocalBlend({ places: [[2], [3]], threshold: 0.3 });
  expect(() => blend.restoreState({})).toThrow(/of another task/);
});
