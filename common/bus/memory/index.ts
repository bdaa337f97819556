// The bus within one process.

export { createMemoryBus } from './memory-bus.ts';
export type { MemoryBusClock, MemoryBusOptions } from './memory-bus.ts';
