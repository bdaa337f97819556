// What an API server was asked to do, by its own audit log: who, what, with which body, and how it ended. Lists and reads too.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeTemporaryFolder } from '../../../../common/files/temporary-folder.ts';
import type { Flags } from '../plane/programs-of-plane.ts';

/** A request that was answered, as far as tests look at it. */
export interface Audited {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  /** Of writes. */
  readonly requestObject?: { readonly spec?: { readonly replicas?: number } };
  readonly responseStatus?: { readonly code?: number };
  /** ISO 8601, with microseconds. */
  readonly stageTimestamp: string;
}

export interface AuditLog extends AsyncDisposable {
  /** For the control plane that keeps it. */
  readonly flags: Flags;
  /** In the order of their ends. */
  read(): Promise<readonly Audited[]>;
}

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** What service accounts ask for, controllers' among them. */
const POLICY = {
  ...{ apiVersion: 'audit.k8s.io/v1', kind: 'Policy' },
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'Request', userGroups: ['system:serviceaccounts'], verbs: WRITES },
    { level: 'Metadata', userGroups: ['system:serviceaccounts'] },
    { level: 'None' },
  ],
};

/** Removed when it is disposed of. */
export async function openAuditLog(): Promise<AuditLog> {
  const folder = await makeTemporaryFolder('audit');
  const policy = join(folder.path, 'policy.yaml');
  const log = join(folder.path, 'audit.log');
  // JSON is YAML too.
  await writeFile(policy, JSON.stringify(POLICY));
  return {
    flags: { 'kube-apiserver': [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`] },
    read: async () => {
      const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as Audited);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
