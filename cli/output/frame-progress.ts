// How far a pass over frames is: one line that is redrawn on a terminal, a line now and then elsewhere.

import { formatClock } from './format.ts';
import type { Clock, ProgressTerminal } from '../terminal.ts';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;

export interface FrameProgress {
  update(done: number): void;
  /** Takes the redrawn line away. Idempotent. */
  end(): void;
}

export interface FrameProgressOptions {
  readonly terminal: ProgressTerminal;
  readonly clock: Clock;
  readonly total: number;
  /** What the frames go through, before their number. @default nothing is said of it */
  readonly what?: string;
}

export function createFrameProgress(options: FrameProgressOptions): FrameProgress {
  const { terminal, clock, total, what = '' } = options;
  const startMs = clock.nowMs();
  const everyMs = terminal.isTty ? REDRAW_MS : PLAIN_LINE_MS;
  let toldAtMs = startMs;
  let isDrawn = false;
  return {
    update(done) {
      const nowMs = clock.nowMs();
      if (nowMs - toldAtMs < everyMs) return;
      toldAtMs = nowMs;
      const line = what + frameProgressLine(done, total, (nowMs - startMs) / 1000);
      const room = Math.max(1, terminal.columns() - 1);
      terminal.write(terminal.isTty ? `\r${line.slice(0, room)}\u001b[K` : `${line}\n`);
      isDrawn = terminal.isTty;
    },
    end() {
      if (isDrawn) terminal.write('\r\u001b[K');
      isDrawn = false;
    },
  };
}

/** `frame 120 of 300, 40 %, 0:12 left`. */
export function frameProgressLine(done: number, total: number, secondsElapsed: number): string {
  const percent = Math.floor((done / total) * 100);
  const left = done === 0 ? undefined : (secondsElapsed / done) * (total - done);
  const leftText = left === undefined ? '' : `, ${formatClock(left)} left`;
  return `frame ${done} of ${total}, ${percent} %${leftText}`;
}
