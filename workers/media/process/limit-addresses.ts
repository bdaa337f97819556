// What a media process may have of the machine's memory.

/**
 * The command line to put before a program's so that it gets no more memory than this; empty where there is no such limit. A file that
 * is made to fill the memory ends its reader, not the worker beside it.
 */
export function limitAddresses(mebibytes: number): readonly string[] {
  if (process.platform !== 'linux') return [];
  return ['/bin/sh', '-c', `ulimit -v ${mebibytes * 1024} && exec "$@"`, 'sh'];
}
