// The store in a directory.

export { openFileStore } from './file-store.ts';
export type { FileStore } from './file-store.ts';
