// What a media process may have of the machine: addresses, processors. x264 cuts a frame into as many slices as it finds processors, which
// changes the bytes; on Linux its process is therefore held to one.

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

let turn = 0;

/** The command line to put before a program's so that it sees one processor; empty where there is no `taskset`. */
export function pinToOneProcessor(): readonly string[] {
  const taskset = findTaskset();
  if (taskset === undefined) return [];
  const allowed = allowedProcessors();
  // Which one does not matter to the bytes; spreading by process id keeps two encoders off one another.
  turn++;
  const chosen = allowed[(process.pid + turn) % allowed.length] ?? 0;
  return [taskset, '-c', String(chosen)];
}

/**
 * The command line to put before a program's so that it gets no more memory than this; empty where there is no such limit. A file that
 * is made to fill the memory ends its reader, not the worker beside it.
 */
export function limitAddresses(mebibytes: number): readonly string[] {
  if (process.platform !== 'linux') return [];
  return ['/bin/sh', '-c', `ulimit -v ${mebibytes * 1024} && exec "$@"`, 'sh'];
}

/** The processors that an encoder will see. */
export function encoderProcessors(): number {
  return findTaskset() === undefined ? availableParallelism() : 1;
}

function findTaskset(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return ['/usr/bin', '/bin', '/usr/sbin']
    .map((folder) => path.join(folder, 'taskset'))
    .find((file) => existsSync(file));
}

/** From a list such as `0-3,8`. */
function allowedProcessors(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return (list?.[1] ?? '0').split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
