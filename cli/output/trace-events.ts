// A render's trace in Chrome's trace-event format: one row per slot, one bar per task. For chrome://tracing and
// ui.perfetto.dev. Format: "Trace Event Format", complete (X) and metadata (M) events, times in microseconds.

import type { TraceSpan } from '../farm.ts';

export interface TraceFile {
  readonly otherData: { readonly producer: 'bivdiff-trace' };
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly object[];
}

export function traceEvents(spans: readonly TraceSpan[]): TraceFile {
  const workers = [...new Set(spans.map((span) => span.worker))];
  const process = (worker: string): number => workers.indexOf(worker) + 1;
  const rows = new Map(spans.map((span) => [`${span.worker}/${span.slot}`, span]));
  const beginMs = Math.min(...spans.map((span) => span.startMs));
  const micros = (ms: number): number => Math.round((ms - beginMs) * 1000);
  return {
    otherData: { producer: 'bivdiff-trace' },
    displayTimeUnit: 'ms',
    traceEvents: [
      ...workers.map((worker) => ({
        ph: 'M',
        name: 'process_name',
        pid: process(worker),
        args: { name: worker },
      })),
      ...[...rows.values()].map(({ worker, slot }) => ({
        ph: 'M',
        name: 'thread_name',
        pid: process(worker),
        tid: slot,
        args: { name: `slot ${slot}` },
      })),
      ...spans.map((span) => ({
        ph: 'X',
        name: span.stage,
        cat: 'task',
        pid: process(span.worker),
        tid: span.slot,
        ts: micros(span.startMs),
        // Of rounded ends: a bar must not reach into the next one of its slot.
        dur: micros(span.endMs) - micros(span.startMs),
        args: { task: span.taskId },
      })),
    ],
  };
}
