// Who makes a call, as far as the coordinator's services need to know.

import type { Role } from './roles.ts';

export interface Caller {
  /** Whose jobs and uploads are meant; empty where there are no tokens. */
  readonly owner: string;
  /** With all that they include. */
  readonly roles: ReadonlySet<Role>;
  /** The highest that the caller may give to a job. */
  readonly priorityMax: number;
  /** For bounds: the owner, or without tokens the host that calls. */
  readonly name: string;
}

/** The highest there is. */
export const PRIORITY_MAX = 100;

/** Owners' names are parts of documents' names. */
export const OWNER = /^[a-z0-9_-][a-z0-9._-]{0,63}$/;

/** Whether jobs and artifacts of others are theirs too. */
export function seesAll({ roles }: Caller): boolean {
  return roles.has('operate');
}
