// Who made a temporary file, and whether that process still lives. A shared volume is written from many machines and
// containers, where a process id alone says nothing. As a part of a name it is `machine.pid.started`.

import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

import { digestText } from '../digest.ts';

export interface ProcessIdentity {
  /** Host and process-id namespace: within one, process ids can be compared. */
  readonly machine: string;
  readonly pid: number;
  /** In clock ticks since the machine started, so that a pid used again is told apart; 0 where unknown. */
  readonly started: string;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  // Only Linux has process-id namespaces, and /proc.
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return {
    machine: digestText(`${hostname()} ${namespace}`).slice(0, 12),
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '0',
  };
}

/** The identity as it stands in names of files. */
export function textOfIdentity({ machine, pid, started }: ProcessIdentity): string {
  return `${machine}.${pid}.${started}`;
}

/** The identity that a text begins with; undefined if it begins with none. */
export function identityOfText(text: string): ProcessIdentity | undefined {
  const [, machine = '', pid = '', started = ''] =
    /^([^.]+)\.([1-9][0-9]*)\.([0-9]+)\./.exec(text) ?? [];
  return machine === '' ? undefined : { machine, pid: Number(pid), started };
}

/** True only where it is certain: the process was on this machine and is there no more. */
export async function isGone(other: ProcessIdentity, own: ProcessIdentity): Promise<boolean> {
  if (other.machine !== own.machine) return false;
  try {
    process.kill(other.pid, 0);
  } catch (reason) {
    // EPERM: it lives, as somebody else's.
    return (reason as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const started = await startOf(other.pid);
  return started !== undefined && started !== other.started;
}

/** Field 22 of proc(5)'s stat; the name, field 2, may hold spaces and parentheses, so count from its end. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
