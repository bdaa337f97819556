// The store in memory, for tests and simulations.

export { createMemoryStore } from './memory-store.ts';
export type { MemoryStore, MemoryStoreOptions, MemoryFile } from './memory-store.ts';
