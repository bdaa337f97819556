// A real disk that is soon full, by the strongest means that this machine permits. Root or not, in a container or not.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, statfs } from 'node:fs/promises';
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
  const prefix = await prefixOfMount(`mount -t tmpfs -o ${options} tmpfs '${folder}'`);
  return prefix === undefined ? fileSizeLimit() : { means: 'tmpfs', prefix };
}

/**
 * Runs the rest of its arguments with a mount that nobody else sees; `mount` is a command of the shell.
 * @throws Error — this machine permits no mount
 */
export async function inMountOfItsOwn(mount: string): Promise<readonly string[]> {
  const prefix = await prefixOfMount(mount);
  if (prefix !== undefined) return prefix;
  throw new Error('this needs a mount: allow user namespaces, or run as root');
}

async function prefixOfMount(mount: string): Promise<readonly string[] | undefined> {
  for (const unshare of SHELLS) {
    const prefix = [...unshare, 'sh', '-c', `${mount} && exec "$@"`, 'sh'];
    const [command, ...args] = prefix;
    const isPermitted = await promisify(execFile)(command!, [...args, 'true']).then(
      () => true,
      () => false,
    );
    if (isPermitted) return prefix;
  }
  return undefined;
}

export interface SharedSmallDisk {
  /** Runs the rest of its arguments with the small disk at the folder: every process sees the same one. */
  readonly prefix: readonly string[];
  /** The folder, as those outside see it. */
  readonly folder: string;
  /** Gives the disk up; it is gone with the last process on it. */
  readonly close: () => Promise<void>;
}

/**
 * A small disk for several processes: one that sleeps holds the mount, the others enter its namespace.
 * @throws Error — this machine permits no mount
 */
export async function sharedSmallDisk(folder: string, options: string): Promise<SharedSmallDisk> {
  const disk = await smallDisk(folder, options);
  if (disk.means !== 'tmpfs') {
    throw new Error('a small disk needs a mount: allow user namespaces, or run as root');
  }
  const [command = '', ...args] = disk.prefix;
  const holder = spawn(command, [...args, 'sh', '-c', 'echo mounted && exec sleep 3600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const pid = holder.pid!;
  return {
    prefix: entering(pid, disk.prefix),
    folder: `/proc/${pid}/root${folder}`,
    close: async () => {
      const ended = once(holder, 'exit');
      holder.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs the rest of its arguments among the mounts of a process that was started with this prefix. */
export function entering(pid: number, prefix: readonly string[]): readonly string[] {
  const namespaces = prefix.includes('-rm') ? ['-U', '--preserve-credentials', '-m'] : ['-m'];
  return ['nsenter', '-t', String(pid), ...namespaces];
}

/** Makes a file that takes all the room of its disk, but for so many pages. */
export async function fillDisk(path: string, { leavePages = 0 } = {}): Promise<void> {
  const file = await open(path, 'w');
  const { bsize } = await statfs(path);
  try {
    for (;;) await file.write(Buffer.alloc(bsize));
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== 'ENOSPC') throw reason;
    await file.truncate((await file.stat()).size - leavePages * bsize);
  } finally {
    await file.close();
  }
}

/** Anybody may lower their own limit: 200 blocks of 512 or 1024 bytes, by shell. */
export function fileSizeLimit(): SmallDisk {
  return { means: 'file-size-limit', prefix: ['sh', '-c', 'ulimit -f 200 && exec "$@"', 'sh'] };
}
