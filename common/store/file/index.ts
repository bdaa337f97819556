// The store in a directory.

export { openFileStore } from './file-store.ts';
