// Lets a simulated coordinator do all that it can do now.

import { setImmediate } from 'node:timers';

import type { EventFeed } from './event-feed.ts';

/** Rounds of the event loop in which the coordinator may go on before time does. It needs one, when it waits for promises only. */
const ROUNDS_MAX = 100;

/** Resolves when it has read every report and waits for nothing but time. */
export async function settle(feed: EventFeed): Promise<void> {
  // A round of the event loop lets every promise go on that waits for nothing but other promises.
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (feed.isRead) return;
  }
}
