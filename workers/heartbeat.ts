// How the bus hears that a task is being worked at.

import type { Delivery } from '../common/bus/ports.ts';

export interface HeartbeatOptions {
  /** The bus's ack wait; a third of it is the heartbeat. */
  readonly ackWaitMs: number;
  /** Told when the bus does not extend a lease: it may have given the task to another. */
  readonly onLeaseLost?: () => void;
}

/** Says that the task is being worked at, until it is stopped or the lease is lost: then the result is put anyway, which does no harm. */
export function startHeartbeat(
  delivery: Delivery,
  { ackWaitMs, onLeaseLost }: HeartbeatOptions,
): { readonly stop: () => void } {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      delivery.working().then(wait, () => {
        if (!isStopped) onLeaseLost?.();
      });
    }, ackWaitMs / 3);
    timer.unref();
  };
  wait();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
