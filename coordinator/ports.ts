// What the coordinator needs from outside, besides store and bus: time.

/** Time as an argument, so that dispatch can be run in virtual time. */
export interface Clock {
  nowMs(): number;
  /** Calls back once after `delayMs`; the returned function calls it off. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
