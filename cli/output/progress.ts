// Shows a render's progress: bars that are redrawn in place on a terminal, a plain line now and then elsewhere.
// Decides when to draw; what a frame looks like is progress-text.ts's.

import type { RenderProgress } from '../farm.ts';
import {
  formatProgressLine,
  formatProgressRows,
  formatStageDone,
  formatWithoutRoom,
} from './progress-text.ts';
import type { Clock, ProgressTerminal } from '../terminal.ts';

/** At most ten frames a second. */
const REDRAW_MS = 100;
/** The time left counts down even when no step ends. */
const TICK_MS = 1000;
const PLAIN_LINE_MS = 5000;

export interface ProgressView {
  update(progress: RenderProgress): void;
  /** A line of text that stays. */
  note(text: string): void;
  /** The same, of what must be known even where no progress is shown. */
  warn(text: string): void;
  /** Draws the last state and lets go of the screen. Idempotent. */
  end(): void;
}

export interface ProgressOptions {
  readonly terminal: ProgressTerminal;
  readonly clock: Clock;
  readonly colors: boolean;
}

/** Bars on a terminal, plain lines without one. */
export function createProgressView(options: ProgressOptions): ProgressView {
  return tellingOfRoom(options.terminal.isTty ? createBars(options) : createLines(options));
}

/** Shows warnings only: `--quiet`. */
export function createSilentView({ terminal }: Pick<ProgressOptions, 'terminal'>): ProgressView {
  const warn = (text: string): void => void terminal.write(`${text}\n`);
  return tellingOfRoom({ update() {}, note() {}, warn, end() {} });
}

/** Says when the store has no room, and when it has again: until then nothing else would tell why nothing comes of it. */
function tellingOfRoom(view: ProgressView): ProgressView {
  let isWaiting = false;
  return {
    ...view,
    update(progress) {
      const { withoutRoom } = progress;
      if ((withoutRoom !== undefined) !== isWaiting) view.warn(formatWithoutRoom(withoutRoom));
      isWaiting = withoutRoom !== undefined;
      view.update(progress);
    },
  };
}

function createBars(options: ProgressOptions): ProgressView {
  const { terminal, clock, colors } = options;
  let latest: { readonly progress: RenderProgress; readonly atMs: number } | undefined;
  let drawnRows = 0;
  let drawnAtMs = -Infinity;
  let callOff: (() => void) | undefined;
  const startMs = clock.nowMs();

  /** Back to the first row of the bars, and everything below it gone. */
  const erase = (): string => (drawnRows === 0 ? '' : `\u001b[${drawnRows}A\r\u001b[J`);
  const draw = (): void => {
    callOff?.();
    callOff = undefined;
    if (latest === undefined) return;
    const nowMs = clock.nowMs();
    const rows = formatProgressRows(latest.progress, {
      columns: terminal.columns(),
      rows: terminal.rows(),
      colors,
      secondsSinceUpdate: (nowMs - latest.atMs) / 1000,
      secondsElapsed: (nowMs - startMs) / 1000,
    });
    terminal.write(`${erase()}${rows.map((row) => `${row}\n`).join('')}`);
    drawnRows = rows.length;
    drawnAtMs = nowMs;
    callOff = clock.after(TICK_MS, draw);
  };

  const note = (text: string): void => {
    terminal.write(`${erase()}${text}\n`);
    drawnRows = 0;
    draw();
  };
  return {
    update(progress) {
      const nowMs = clock.nowMs();
      latest = { progress, atMs: nowMs };
      const waitMs = drawnAtMs + REDRAW_MS - nowMs;
      if (waitMs <= 0) {
        draw();
      } else {
        callOff?.();
        callOff = clock.after(waitMs, draw);
      }
    },
    note,
    warn: note,
    end() {
      draw();
      callOff?.();
      callOff = undefined;
      latest = undefined;
      drawnRows = 0;
    },
  };
}

function createLines(options: ProgressOptions): ProgressView {
  const { terminal, clock } = options;
  const done = new Set<string>();
  const startMs = clock.nowMs();
  let printedAtMs = startMs;
  const note = (text: string): void => void terminal.write(`${text}\n`);
  return {
    update(progress) {
      const nowMs = clock.nowMs();
      for (const stage of progress.stages) {
        const isDone = stage.total > 0 && stage.run + stage.reused >= stage.total;
        if (!isDone || done.has(stage.stage)) continue;
        done.add(stage.stage);
        note(formatStageDone(stage, (nowMs - startMs) / 1000));
        printedAtMs = nowMs;
      }
      if (nowMs - printedAtMs < PLAIN_LINE_MS) return;
      const line = formatProgressLine(progress);
      if (line !== undefined) note(line);
      printedAtMs = nowMs;
    },
    note,
    warn: note,
    end() {},
  };
}
