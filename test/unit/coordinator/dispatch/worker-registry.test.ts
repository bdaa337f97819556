// Who is counted: workers of this protocol that were heard of lately and do not drain.

import { describe, expect, it } from 'vitest';

import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import { numericsKeyOf } from '../../../../common/stage-facts.ts';
import type { NumericsClasses } from '../../../../common/stage-facts.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { WorkerRegistry } from '../../../../coordinator/dispatch/worker-registry.ts';

const numericsOf = (media: string): NumericsClasses => ({ inference: 'i', media, plain: 'p' });
const keyOf = (media: string): string => numericsKeyOf(numericsOf(media));

const statusOf = (name: string, changes: Partial<WorkerStatus> = {}): WorkerStatus => ({
  ...{ protocol: PROTOCOL_VERSION, name, pools: ['idm'], slots: 2, pid: 1, host: 'h' },
  ...{
    numerics: numericsOf('c'),
    memoryBytes: 8,
    running: [],
    draining: false,
    committed: 0,
    leaving: false,
  },
  gathered: { hits: 0, misses: 0, fallbacks: 0 },
  ...changes,
});

describe('WorkerRegistry', () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, after: () => () => undefined };

  it('knows the workers of a pool, and all of them', () => {
    const workers = new WorkerRegistry(clock);
    workers.note(statusOf('a'));
    workers.note(statusOf('b', { pools: ['mixer', 'vdm'] }));
    expect([...workers.workersOf('idm')]).toEqual(['a']);
    expect([...workers.workersOf('any')]).toEqual(['a', 'b']);
    workers.note(statusOf('a', { draining: true }));
    expect([...workers.workersOf('idm')]).toEqual([]);
    workers.note(statusOf('b', { leaving: true }));
    expect(workers.workersOf('any').size).toBe(0);
  });

  it('tells workers of one numerics class from others of the pool, also where only media differ', () => {
    const workers = new WorkerRegistry(clock);
    workers.note(statusOf('a'));
    workers.note(statusOf('b', { numerics: numericsOf('d') }));
    expect([...workers.workersOf('idm', keyOf('c'))]).toEqual(['a']);
    workers.note(statusOf('b'));
    expect([...workers.workersOf('idm', keyOf('c'))]).toEqual(['a', 'b']);
    expect(workers.workersOf('idm', keyOf('d')).size).toBe(0);
    workers.note(statusOf('b', { numerics: numericsOf('d'), slots: 3 }));
    const slots = [undefined, ...['c', 'd', 'e'].map(keyOf)].map((one) =>
      workers.slotsOf('idm', one),
    );
    expect(slots).toEqual([5, 2, 3, 0]);
    expect(workers.slotsOf('vdm', keyOf('c'))).toBe(0);
  });

  it('tells workers that have enough memory from others', () => {
    const workers = new WorkerRegistry(clock);
    workers.note(statusOf('a'));
    workers.note(statusOf('b', { memoryBytes: 16 }));
    expect([...workers.workersOf('idm', keyOf('c'), 8)]).toEqual(['a', 'b']);
    expect([...workers.workersOf('idm', keyOf('c'), 9)]).toEqual(['b']);
    workers.note(statusOf('a', { memoryBytes: 32 }));
    expect([...workers.workersOf('idm', keyOf('c'), 32)]).toEqual(['a']);
    expect([workers.memoryOf('a'), workers.memoryOf('nobody')]).toEqual([32, undefined]);
  });

  it('knows the most memory of a pool’s workers, and nothing of it where none is there', () => {
    const workers = new WorkerRegistry(clock);
    expect(workers.mostMemoryOf('idm', keyOf('c'))).toBeUndefined();
    workers.note(statusOf('a', { memoryBytes: 16 }));
    workers.note(statusOf('b'));
    expect(workers.mostMemoryOf('idm', keyOf('c'))).toBe(16);
    expect(workers.mostMemoryOf('vdm', keyOf('c'))).toBeUndefined();
    expect(workers.mostMemoryOf('idm', keyOf('d'))).toBeUndefined();
  });

  it('says once that two workers have one name, and nothing of one that was started anew', () => {
    const told: (readonly number[])[] = [];
    const workers = new WorkerRegistry(clock, {
      onSharedName: (one, other) => told.push([one.pid, other.pid]),
    });
    for (const pid of [1, 1, 2, 2]) workers.note(statusOf('anew', { pid }));
    expect(workers.standingOf('anew').sharesName).toBe(false);
    for (const pid of [1, 2, 1, 2, 1]) workers.note(statusOf('twice', { pid }));
    expect(told).toEqual([[2, 1]]);
    expect(workers.standingOf('twice').sharesName).toBe(true);
  });

  it('shows workers of another protocol, says so once, and counts on none of them', () => {
    const told: string[] = [];
    const workers = new WorkerRegistry(clock, { onOtherProtocol: ({ name }) => told.push(name) });
    for (let beat = 0; beat < 3; beat += 1) {
      workers.note(statusOf('old', { protocol: PROTOCOL_VERSION - 1 }));
      workers.note(statusOf('new', { protocol: PROTOCOL_VERSION + 1 }));
    }
    workers.note(statusOf('ours'));
    expect(told).toEqual(['old', 'new']);
    expect(workers.alive.map(({ name }) => name)).toEqual(['new', 'old', 'ours']);
    expect(workers.slotsOf('any')).toBe(2);
    expect([...workers.workersOf('any')]).toEqual(['ours']);
    nowMs += 60_000;
    expect(workers.alive).toEqual([]);
    expect(workers.slotsOf('any')).toBe(0);
  });
});
