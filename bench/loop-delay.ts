// Loaded into a measured program (node --import): watches how long its main thread is kept from other work, and writes the
// figures to $BENCH_LOOP_DELAY_FILE when the program ends.

import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Milliseconds that a timer of 5 ms was late. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const file = process.env['BENCH_LOOP_DELAY_FILE'];
// Lanes and media processes load this too; only the program's own main thread counts.
if (isMainThread && file !== undefined) {
  delete process.env['BENCH_LOOP_DELAY_FILE'];
  const RESOLUTION_MS = 5;
  /** Until then the program imports its own modules, before anything waits for it. */
  const START_UP_MS = 1_000;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  setTimeout(() => {
    delay.reset();
  }, START_UP_MS).unref();
  process.once('exit', () => {
    const late = (nanoseconds: number): number => nanoseconds / 1e6 - RESOLUTION_MS;
    const figures: LoopDelay = { p99Ms: late(delay.percentile(99)), maxMs: late(delay.max) };
    writeFileSync(file, JSON.stringify(figures));
  });
}
