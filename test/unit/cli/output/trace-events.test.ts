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

  it('of a render that ran nothing is empty', () => {
    expect(traceEvents([]).traceEvents).toEqual([]);
  });
});
