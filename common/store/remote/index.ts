// The store of a farm, reached through its coordinator: for workers that share no disk with it.

export { openRemoteStore } from './remote-store.ts';
export type { RemoteStore, RemoteStoreOptions } from './remote-store.ts';
