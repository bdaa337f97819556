import { describe, expect, it } from 'vitest';

import { createFrameProgress, frameProgressLine } from '../../../../cli/output/frame-progress.ts';

function progressOn({ isTty, what = '' }: { readonly isTty: boolean; readonly what?: string }) {
  let written = '';
  let ms = 0;
  const write = (text: string): void => void (written += text);
  const terminal = { isTty, write, columns: () => 80, rows: () => 24 };
  const clock = { nowMs: () => ms, after: () => () => undefined };
  const progress = createFrameProgress({ terminal, clock, total: 300, what });
  const at = (nowMs: number, done: number): void => {
    ms = nowMs;
    progress.update(done);
  };
  return { progress, at, written: () => written };
}

describe('progress over frames', () => {
  it('says how far it is and what is left', () => {
    expect(frameProgressLine(120, 300, 8)).toBe('frame 120 of 300, 40 %, 0:12 left');
  });

  it('redraws one line of a terminal, at most ten times a second, and takes it away', () => {
    const { progress, at, written } = progressOn({ isTty: true });
    at(50, 1);
    expect(written()).toBe('');
    at(100, 2);
    at(150, 3);
    at(1000, 30);
    progress.end();
    progress.end();
    expect(written().split('\r')).toHaveLength(4);
    expect(written()).toMatch(/\r\u001b\[K$/);
  });

  it('says what the frames go through, where that is told', () => {
    const { at, written } = progressOn({ isTty: false, what: 'looking for cuts: ' });
    at(5_000, 30);
    expect(written()).toBe('looking for cuts: frame 30 of 300, 10 %, 0:45 left\n');
  });

  it('writes a line every five seconds elsewhere', () => {
    const { progress, at, written } = progressOn({ isTty: false });
    for (let second = 1; second <= 12; second += 1) at(second * 1000, second * 10);
    progress.end();
    expect(written()).toBe('frame 50 of 300, 16 %, 0:25 left\nframe 100 of 300, 33 %, 0:20 left\n');
  });
});
