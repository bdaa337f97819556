import { describe, expect, it } from 'vitest';

import { Gate } from '../../../common/gate.ts';

describe('Gate', () => {
  it('runs at most so many at once, in order, and every one', async () => {
    const gate = new Gate(3);
    let running = 0;
    let most = 0;
    const begun: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        gate.run(async () => {
          begun.push(i);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
        }),
      ),
    );
    expect(most).toBe(3);
    expect(begun).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it('gives the result or the failure of what ran, and goes on', async () => {
    const gate = new Gate(1);
    const failing = gate.run(() => Promise.reject(new RangeError('failed')));
    const next = gate.run(() => Promise.resolve(7));
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe(7);
  });

  it('is idle when nothing runs or waits', async () => {
    const gate = new Gate(1);
    await gate.idle();
    let ended = 0;
    for (let i = 0; i < 3; i++) {
      void gate.run(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        ended++;
      });
    }
    await gate.idle();
    expect(ended).toBe(3);
  });
});
