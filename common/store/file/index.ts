// The store in a directory.

export { refuseFileInTheWay } from './file-in-the-way.ts';
export { openFileStore } from './file-store.ts';
