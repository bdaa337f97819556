// A real disk that is soon full, by the strongest means that this machine permits. Root or not, in a container or not.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface SmallDisk {
  /** - `tmpfs`: a file system of this size, seen by the one process - `file-size-limit`: no file may be larger */
  readonly means: 'tmpfs' | 'file-size-limit';
  /** Runs the rest of its arguments with the small disk at the folder. */
  readonly prefix: readonly string[];
}

const SHELLS: readonly (readonly string[])[] = [
  // A mount of one's own: where users may make namespaces, then where this is root with the right to mount.
  ['unshare', '-rm'],
  ['unshare', '-m'],
];

/** `options` as of tmpfs(5), `size=1m` say. */
export async function smallDisk(folder: string, options: string): Promise<SmallDisk> {
  for (const unshare of SHELLS) {
    const script = `mount -t tmpfs -o ${options} tmpfs '${folder}' && exec "$@"`;
    const prefix = [...unshare, 'sh', '-c', script, 'sh'];
    const [command, ...args] = prefix;
    const isPermitted = await promisify(execFile)(command!, [...args, 'true']).then(
      () => true,
      () => false,
    );
    if (isPermitted) return { means: 'tmpfs', prefix };
  }
  return fileSizeLimit();
}

/** Anybody may lower their own limit: 200 blocks of 512 or 1024 bytes, by shell. */
export function fileSizeLimit(): SmallDisk {
  return { means: 'file-size-limit', prefix: ['sh', '-c', 'ulimit -f 200 && exec "$@"', 'sh'] };
}
