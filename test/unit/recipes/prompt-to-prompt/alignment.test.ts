// Which token follows which, against tables that were worked out by hand and against what diffusers' community pipeline gives.

import { describe, expect, it } from 'vitest';

import {
  POSITIONS,
  refinement,
  replacement,
} from '../../../../recipes/prompt-to-prompt/alignment.ts';
import type { Alignment } from '../../../../recipes/prompt-to-prompt/alignment.ts';

/** Of each position of the edited prompt the source's that it follows, with its share where that is not 1. */
function followedBy({ mapper }: Alignment, positions: number): string[] {
  return Array.from({ length: positions }, (_, to) => {
    const from: string[] = [];
    for (let row = 0; row < POSITIONS; row += 1) {
      const share = mapper[row * POSITIONS + to]!;
      if (share > 0) from.push(share === 1 ? `${row}` : `${row}*${share}`);
    }
    return from.join('+');
  });
}

const BEGIN = 1000;
const END = 1001;
const framed = (...ids: readonly number[]): number[] => [BEGIN, ...ids, END];

describe('replace', () => {
  it('lets each token follow its counterpart where all words have as many', () => {
    const { mapper, follows } = replacement([1, 2, 1], [1, 2, 1]);
    for (let from = 0; from < POSITIONS; from += 1) {
      for (let to = 0; to < POSITIONS; to += 1) {
        expect(mapper[from * POSITIONS + to]).toBe(from === to ? 1 : 0);
      }
    }
    expect(follows.every((one) => one === 1)).toBe(true);
  });

  it('spreads a word over more tokens, and the words after it follow their own', () => {
    expect(followedBy(replacement([1, 1, 1], [1, 2, 1]), 7)).toEqual([
      ...['0', '1', '2*0.5', '2*0.5', '3'],
      ...['4', '5'],
    ]);
  });

  it('gathers a word of more tokens in fewer', () => {
    expect(followedBy(replacement([1, 2, 1], [1, 1, 1]), 6)).toEqual([
      ...['0', '1', '2+3', '4'],
      ...['5', '6'],
    ]);
  });

  it('keeps to the positions that there are, with the end at the end', () => {
    const long = Array.from({ length: 80 }, () => 1);
    const { mapper, follows } = replacement(long, long);
    expect(mapper[76 * POSITIONS + 76]).toBe(1);
    expect(mapper.reduce((sum, share) => sum + share, 0)).toBe(POSITIONS);
    expect(follows.every((one) => one === 1)).toBe(true);
    const spread = replacement(long, [2, ...long.slice(1)]);
    expect(followedBy(spread, POSITIONS).at(-1)).toBe('76');
  });

  it('lets what would follow something unread keep its own attention', () => {
    const { follows } = replacement([80, 1], [1, 1]);
    expect([...follows.subarray(0, 4)]).toEqual([1, 1, 0, 1]);
  });
});

describe('refine', () => {
  it('lets the words of both follow each other, and new ones keep their own attention', () => {
    const alignment = refinement(framed(1, 2, 3), framed(1, 7, 8, 2, 3));
    expect(followedBy(alignment, 9)).toEqual(['0', '1', '', '', '2', '3', '4', '7', '8']);
    expect([...alignment.follows.subarray(0, 9)]).toEqual([1, 1, 0, 0, 1, 1, 1, 1, 1]);
  });

  it('leaves out words that are gone', () => {
    const alignment = refinement(framed(1, 2, 3, 4), framed(1, 4));
    expect(followedBy(alignment, 5)).toEqual(['0', '1', '4', '5', '4']);
  });

  it('takes no mismatch for a match', () => {
    const { follows } = refinement(framed(1, 2, 3), framed(1, 9, 3));
    expect([...follows.subarray(0, 5)]).toEqual([1, 1, 0, 1, 1]);
  });
});
