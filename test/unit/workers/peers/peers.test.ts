import { describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import { WORKER_SILENT_MS } from '../../../../common/worker-status.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { MadeCache } from '../../../../workers/peers/made-cache.ts';
import { PeerBook } from '../../../../workers/peers/peer-book.ts';
import { classesNamed } from '../../../support/jobs.ts';

describe('what a worker made', () => {
  const bytesOf = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value);

  it('is kept up to a bound; what was unused longest goes first', () => {
    const made = new MadeCache(100);
    const [a, b, c] = [bytesOf(1, 40), bytesOf(2, 40), bytesOf(3, 40)].map((bytes) => {
      const digest = digestBytes(bytes);
      return { digest, bytes };
    });
    for (const one of [a!, b!]) made.keep(one.digest, one.bytes);
    expect(made.get(a!.digest)).toBe(a!.bytes);
    made.keep(c!.digest, c!.bytes);
    expect(made.get(b!.digest)).toBeUndefined();
    expect(made.get(a!.digest)).toBe(a!.bytes);
    expect(made.get(c!.digest)).toBe(c!.bytes);
  });

  it('counts once, however often it was made', () => {
    const made = new MadeCache(100);
    const [one, other] = [bytesOf(1, 60), bytesOf(2, 40)];
    made.keep(digestBytes(other), other);
    for (let i = 0; i < 3; i += 1) made.keep(digestBytes(one), one);
    expect(made.get(digestBytes(other))).toBe(other);
  });

  it('leaves what is kept when one is larger than all of it', () => {
    const made = new MadeCache(100);
    const [one, huge] = [bytesOf(1, 10), bytesOf(2, 101)];
    made.keep(digestBytes(one), one);
    made.keep(digestBytes(huge), huge);
    expect(made.get(digestBytes(huge))).toBeUndefined();
    expect(made.get(digestBytes(one))).toBe(one);
  });
});

describe('who serves where', () => {
  const status = (changes: Partial<WorkerStatus>): WorkerStatus => ({
    protocol: 1,
    name: 'w1',
    pools: ['idm'],
    slots: 1,
    pid: 1,
    host: 'here',
    numerics: classesNamed('test'),
    memoryBytes: 1,
    running: [],
    draining: false,
    committed: 0,
    gathered: { hits: 0, misses: 0, fallbacks: 0 },
    leaving: false,
    ...changes,
  });
  const open = () => {
    const clock = { nowMs: 0 };
    return { clock, book: new PeerBook({ host: 'here', nowMs: () => clock.nowMs }) };
  };

  it('is what they said last', () => {
    const { book } = open();
    expect(book.addressOf('w1')).toBeUndefined();
    book.note(status({ address: '10.0.0.1:7' }));
    book.note(status({ name: 'w2', address: '10.0.0.2:7' }));
    book.note(status({ address: '10.0.0.1:8' }));
    expect(book.addressOf('w1')).toBe('10.0.0.1:8');
    book.note(status({ address: undefined }));
    expect(book.addressOf('w1')).toBeUndefined();
    expect(book.addressOf('w2')).toBe('10.0.0.2:7');
  });

  it('is forgotten of one that leaves or is silent', () => {
    const { book, clock } = open();
    book.note(status({ address: '10.0.0.1:7' }));
    book.note(status({ name: 'w2', address: '10.0.0.2:7' }));
    book.note(status({ address: '10.0.0.1:7', leaving: true }));
    expect(book.addressOf('w1')).toBeUndefined();
    clock.nowMs = WORKER_SILENT_MS;
    expect(book.addressOf('w2')).toBe('10.0.0.2:7');
    clock.nowMs += 1;
    expect(book.addressOf('w2')).toBeUndefined();
  });

  it("is nowhere if it is another machine's loopback", () => {
    const { book } = open();
    for (const address of ['127.0.0.1:7', 'localhost:7', '[::1]:7', 'grpcs://127.0.0.1:7']) {
      book.note(status({ address }));
      expect(book.addressOf('w1')).toBe(address);
      book.note(status({ address, host: 'there' }));
      expect(book.addressOf('w1')).toBeUndefined();
    }
  });
});
