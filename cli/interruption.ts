// Ctrl-C: the first stops the work within a step and keeps what is done, the second ends the process at once.
// How it ends is end-at-once.ts's.

import { BivdiffError } from '../common/errors.ts';
import { EXIT_INTERRUPTED } from './output/exit-codes.ts';

/** Where signals come from, and how the process ends at the second. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  endAtOnce(exitCode: number): never;
}

/**
 * Gives a signal that aborts at the first SIGINT or SIGTERM. Listens once it is asked for; before, both end the process
 * as usual.
 */
export function createInterruption(
  source: SignalSource,
  say: (text: string) => void,
): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (controller !== undefined) return controller.signal;
    const started = (controller = new AbortController());
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      source.on(name, () => {
        if (started.signal.aborted) source.endAtOnce(EXIT_INTERRUPTED);
        say('\nstopping after the running step; Ctrl-C again stops at once\n');
        started.abort(new BivdiffError('cancelled', 'stopped before anything was rendered'));
      });
    }
    return started.signal;
  };
}
