import { EventEmitter } from 'node:events';

import { describe, expect, it } from 'vitest';

import { createInterruption } from '../../../cli/interruption.ts';
import type { SignalSource } from '../../../cli/interruption.ts';

class Exited {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

function setUp() {
  const signals = new EventEmitter();
  const said: string[] = [];
  const source: SignalSource = {
    on: (name, listener) => signals.on(name, listener),
    endAtOnce: (code) => {
      throw new Exited(code);
    },
  };
  return { signals, said, interruption: createInterruption(source, (text) => said.push(text)) };
}

describe('Ctrl-C', () => {
  it('ends the process as usual before any work has begun', () => {
    const { signals } = setUp();
    expect(signals.listenerCount('SIGINT')).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'])(
    'aborts at the first %s, and ends the process at the second',
    (name) => {
      const { signals, said, interruption } = setUp();
      const signal = interruption();
      expect(interruption()).toBe(signal);
      signals.emit(name);
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toMatchObject({ code: 'cancelled' });
      expect(said.join('')).toContain('Ctrl-C again');
      expect(() => signals.emit(name)).toThrow(new Exited(130));
    },
  );
});
