import { describe, expect, it } from 'vitest';

import { digestBytes } from '../../../../common/digest.ts';
import type { ServedAt } from '../../../../common/worker-status.ts';
import { MadeCache } from '../../../../workers/peers/made-cache.ts';
import { PeerBook } from '../../../../workers/peers/peer-book.ts';

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
  const open = (served: Record<string, ServedAt> = {}) => {
    const clock = { nowMs: 0 };
    const asked: string[] = [];
    const ask = async (worker: string): Promise<ServedAt | undefined> => {
      asked.push(worker);
      return served[worker];
    };
    const book = new PeerBook({ host: 'here', nowMs: () => clock.nowMs, ask });
    return { clock, book, asked, served };
  };

  it('is asked once, also where there is nobody, and again after a while', async () => {
    const { book, asked, served, clock } = open({ w1: { address: '10.0.0.1:7', host: 'there' } });
    const addresses = await Promise.all(['w1', 'w1', 'w2'].map((name) => book.addressOf(name)));
    expect(addresses).toEqual(['10.0.0.1:7', '10.0.0.1:7', undefined]);
    expect(await book.addressOf('w2')).toBeUndefined();
    expect(asked).toEqual(['w1', 'w2']);
    served['w1'] = { address: '10.0.0.1:8', host: 'there' };
    clock.nowMs = 10_000;
    expect(await book.addressOf('w1')).toBe('10.0.0.1:7');
    clock.nowMs += 1;
    expect(await book.addressOf('w1')).toBe('10.0.0.1:8');
  });

  it("is nowhere if it is another machine's loopback", async () => {
    for (const address of ['127.0.0.1:7', 'localhost:7', '[::1]:7', 'grpcs://127.0.0.1:7']) {
      expect(await open({ w1: { address, host: 'here' } }).book.addressOf('w1')).toBe(address);
      const { book } = open({ w1: { address, host: 'there' } });
      expect(await book.addressOf('w1')).toBeUndefined();
    }
  });
});
