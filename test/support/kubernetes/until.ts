// Waiting for what a control plane does in its own time.

import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 50;

/**
 * Asks until the answer is neither `undefined` nor `false`, and gives it. A question that throws is asked again.
 * @param what - what is waited for; in the error
 * @throws Error — it did not come about in time; with what the last question threw
 */
export async function until<T>(
  what: string,
  question: () => Promise<T | undefined | false>,
  waitMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  let reason: unknown;
  for (;;) {
    try {
      reason = undefined;
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
    } catch (thrown) {
      reason = thrown;
    }
    if (performance.now() > deadline) {
      throw new Error(`not within ${waitMs / 1000} s: ${what}`, { cause: reason });
    }
    await delay(PAUSE_MS);
  }
}
