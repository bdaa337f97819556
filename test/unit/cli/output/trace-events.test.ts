import { describe, expect, it } from 'vitest';

import { traceEvents } from '../../../../cli/output/trace-events.ts';

describe('a trace', () => {
  it('has a row per slot and a bar per task, in microseconds from the first', () => {
    const { traceEvents: events } = traceEvents([
      { stage: 'generate', taskId: 'aa', worker: 'local', slot: 0, startMs: 100, endMs: 150.5 },
      { stage: 'encode', taskId: 'bb', worker: 'local', slot: 1, startMs: 120, endMs: 130 },
    ]);
    expect(events.filter((event) => 'name' in event && event.name === 'thread_name')).toHaveLength(
      2,
    );
    expect(events).toContainEqual({
      ph: 'X',
      name: 'generate',
      cat: 'task',
      pid: 1,
      tid: 0,
      ts: 0,
      dur: 50_500,
      args: { task: 'aa' },
    });
    expect(events).toContainEqual(expect.objectContaining({ name: 'encode', tid: 1, ts: 20_000 }));
  });

  it('ends a bar where the next one of its slot begins, whatever is rounded', () => {
    // Rounded each for itself, the second's begin and length would be 1 and 1, and the third would begin at 1.
    const times = [0, 0.0006, 0.0012];
    const { traceEvents: events } = traceEvents(
      times.map((startMs, index) => ({
        ...{ stage: 'generate', taskId: `t${index}`, worker: 'local', slot: 0 },
        startMs,
        endMs: times[index + 1] ?? 1,
      })),
    );
    const bars = events as { readonly ph: string; readonly ts: number; readonly dur: number }[];
    const [first, second, third] = bars.filter(({ ph }) => ph === 'X');
    expect(first!.ts + first!.dur).toBe(second!.ts);
    expect(second!.ts + second!.dur).toBe(third!.ts);
  });

  it('of a render that ran nothing is empty', () => {
    expect(traceEvents([]).traceEvents).toEqual([]);
  });
});
