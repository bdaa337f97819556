import { describe, expect, it } from 'vitest';

import type { RenderProgress, StageProgress } from '../../../../cli/farm.ts';
import { createProgressView, createSilentView } from '../../../../cli/output/progress.ts';
import { formatProgressRows } from '../../../../cli/output/progress-text.ts';
import { createManualClock } from '../sample-environment.ts';

const stage = (facts: Partial<StageProgress> & Pick<StageProgress, 'stage'>): StageProgress => ({
  total: 2,
  run: 0,
  reused: 0,
  running: [],
  ...facts,
});

const PROGRESS: RenderProgress = {
  stages: [
    stage({ stage: 'ingest', reused: 2 }),
    stage({ stage: 'generate', run: 1, running: [{ step: 12, steps: 50 }] }),
    stage({ stage: 'smooth', total: 1 }),
  ],
  fraction: 0.437,
  secondsLeft: 72,
};

const WIDE = { columns: 80, rows: 24, colors: false, secondsSinceUpdate: 0, secondsElapsed: 30 };

function terminal(isTty: boolean) {
  let text = '';
  return {
    isTty,
    write: (more: string) => (text += more),
    columns: () => 80,
    rows: () => 24,
    take: () => {
      const taken = text;
      text = '';
      return taken;
    },
  };
}

describe('the rows on a terminal', () => {
  it('show each stage with its bar, count and step, and the time left of the whole', () => {
    expect(formatProgressRows(PROGRESS, WIDE)).toEqual([
      'ingest       ██████████████████████████████ 2/2  reused',
      'generate     ██████████████████▌··········· 1/2  step 12/50',
      'smooth       ······························ 0/1',
      '43 % done, 0:30 gone, 1:12 left',
    ]);
  });

  it('count the time left down between updates', () => {
    const rows = formatProgressRows(PROGRESS, { ...WIDE, secondsSinceUpdate: 10 });
    expect(rows.at(-1)).toBe('43 % done, 0:30 gone, 1:02 left');
  });

  it('are never wider than the terminal, and lose their bars first', () => {
    for (let columns = 1; columns <= 100; columns += 1) {
      const rows = formatProgressRows(PROGRESS, { ...WIDE, columns });
      expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(
        Math.max(1, columns - 1),
      );
    }
    expect(formatProgressRows(PROGRESS, { ...WIDE, columns: 40 })[1]).toBe(
      'generate     1/2  step 12/50',
    );
  });

  it('keep to the running stages on a low terminal', () => {
    const rows = formatProgressRows(PROGRESS, { ...WIDE, rows: 3 });
    expect(rows).toHaveLength(2);
    expect(rows[0]).toContain('generate');
  });

  it('have colours only if asked', () => {
    const [row] = formatProgressRows(PROGRESS, { ...WIDE, colors: true });
    expect(row).toContain('\u001b[32m');
  });

  it('say nothing of the time left before it can be judged', () => {
    const rows = formatProgressRows({ ...PROGRESS, secondsLeft: undefined }, WIDE);
    expect(rows.at(-1)).toBe('43 % done, 0:30 gone');
  });
});

describe('bars', () => {
  it('are redrawn in place, at most ten times a second, and the last state is never lost', () => {
    const screen = terminal(true);
    const clock = createManualClock();
    const view = createProgressView({ terminal: screen, clock, colors: false });
    view.update(PROGRESS);
    expect(screen.take()).not.toContain('\u001b[');
    for (let i = 0; i < 50; i += 1) {
      clock.advance(1);
      view.update({ ...PROGRESS, fraction: 0.5 + i / 1000 });
    }
    expect(screen.take()).toBe('');
    clock.advance(60);
    const redrawn = screen.take();
    expect(redrawn.startsWith('\u001b[4A\r\u001b[J')).toBe(true);
    expect(redrawn).toContain('54 % done');
  });

  it('tick every second without updates, and stop when ended', () => {
    const screen = terminal(true);
    const clock = createManualClock();
    const view = createProgressView({ terminal: screen, clock, colors: false });
    view.update(PROGRESS);
    screen.take();
    clock.advance(1000);
    expect(screen.take()).toContain('1:11 left');
    view.end();
    screen.take();
    clock.advance(10_000);
    expect(screen.take()).toBe('');
  });

  it('let notes stay above them', () => {
    const screen = terminal(true);
    const view = createProgressView({
      terminal: screen,
      clock: createManualClock(),
      colors: false,
    });
    view.update(PROGRESS);
    screen.take();
    view.note('[2/5] b.mp4');
    expect(screen.take()).toMatch(/^\u001b\[4A\r\u001b\[J\[2\/5\] b\.mp4\ningest/);
  });
});

describe('plain lines', () => {
  it('come every few seconds, and when a stage is done', () => {
    const screen = terminal(false);
    const clock = createManualClock();
    const view = createProgressView({ terminal: screen, clock, colors: false });
    view.update(PROGRESS);
    expect(screen.take()).toBe('ingest: 2 tasks done, 0 run, 2 reused (after 0.0 s)\n');
    clock.advance(4000);
    view.update(PROGRESS);
    expect(screen.take()).toBe('');
    clock.advance(1000);
    view.update(PROGRESS);
    expect(screen.take()).toBe('generate 1/2, step 12/50; 43 %, 1:12 left\n');
  });

  it('hold no control characters', () => {
    const screen = terminal(false);
    const clock = createManualClock();
    const view = createProgressView({ terminal: screen, clock, colors: true });
    clock.advance(6000);
    view.update(PROGRESS);
    view.end();
    expect(screen.take()).not.toContain('\u001b');
  });
});

describe('a store without room', () => {
  const failure = {
    code: 'resource-exhausted',
    message: 'putting an artifact in the store /s: the disk is full: 9 bytes are needed',
    retry: 'same-worker',
    hint: 'Free some room there.',
    details: { store: '/s' },
  } as const;
  const full: RenderProgress = { ...PROGRESS, withoutRoom: { tasks: 2, failure } };
  const told =
    'waiting for room in the store: putting an artifact in the store /s: the disk is full: 9 bytes are needed\n' +
    'hint: Free some room there. The render goes on by itself once there is room; Ctrl-C stops it, and what is done is kept.\n';

  it('is told once, also where no progress is shown, and so is that there is room again', () => {
    const screen = terminal(false);
    const view = createSilentView({ terminal: screen });
    view.update(PROGRESS);
    expect(screen.take()).toBe('');
    view.update(full);
    view.update(full);
    expect(screen.take()).toBe(told);
    view.update(PROGRESS);
    expect(screen.take()).toBe('there is room in the store again: the render goes on\n');
  });

  it('stands in the line of progress, and in the last row, in place of the time left', () => {
    const screen = terminal(false);
    const clock = createManualClock();
    const view = createProgressView({ terminal: screen, clock, colors: false });
    view.update(full);
    expect(screen.take()).toContain(told);
    clock.advance(6_000);
    view.update(full);
    expect(screen.take()).toBe('waiting for room in the store, 2 tasks; 43 %\n');
    expect(formatProgressRows(full, WIDE).at(-1)).toBe(
      '43 % done, 0:30 gone, waiting for room in the store, 2 tasks',
    );
  });
});
