// An environment for commands under test: streams that keep what is written, a clock that tests move.

import { BivdiffError } from '../../../common/errors.ts';
import type { CliEnvironment, Clock } from '../../../cli/terminal.ts';

export interface ManualClock extends Clock {
  /** Moves time on; what falls due is called back in order. */
  advance(ms: number): void;
}

export function createManualClock(): ManualClock {
  let now = 0;
  let timers: { readonly dueMs: number; readonly callback: () => void }[] = [];
  return {
    nowMs: () => now,
    after(ms, callback) {
      const timer = { dueMs: now + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    advance(ms) {
      const endMs = now + ms;
      for (;;) {
        const [next] = timers.toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined || next.dueMs > endMs) break;
        timers = timers.filter((one) => one !== next);
        now = next.dueMs;
        next.callback();
      }
      now = endMs;
    },
  };
}

export interface SampleEnvironment extends CliEnvironment {
  readonly written: { stdout: string; stderr: string };
}

/** No farm: commands that open one fail. */
export function createSampleEnvironment(changes: Partial<CliEnvironment> = {}): SampleEnvironment {
  const written = { stdout: '', stderr: '' };
  return {
    folder: '/work',
    stdout: { write: (text) => (written.stdout += text) },
    stderr: {
      isTty: false,
      write: (text) => (written.stderr += text),
      columns: () => 80,
      rows: () => 24,
    },
    clock: createManualClock(),
    colors: false,
    debug: false,
    storeFolder: undefined,
    server: undefined,
    nats: undefined,
    python: undefined,
    variable: () => undefined,
    modelsFolder: '/shipped',
    cores: 2,
    peakMemoryBytes: () => 0,
    openFarm: async (_, before) => {
      // Of what requests name nothing is looked at.
      await before?.({ problemsOf: () => Promise.resolve([]) });
      throw new BivdiffError('unavailable', 'no farm in this test');
    },
    interruption: () => new AbortController().signal,
    ...changes,
    written,
  };
}
