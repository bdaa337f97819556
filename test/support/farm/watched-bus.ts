// A bus of which somebody else sees every event too.

import type { CoordinatorBus, WorkerEvent } from '../../../common/bus/ports.ts';

/** The bus as it is; `note` is told of each event before whoever reads it. */
export function watchedBus<T extends CoordinatorBus>(
  bus: T,
  note: (event: WorkerEvent) => void,
): T {
  return new Proxy(bus, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'events') {
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async function* (signal: AbortSignal): AsyncGenerator<WorkerEvent> {
        for await (const event of target.events(signal)) {
          note(event);
          yield event;
        }
      };
    },
  });
}
