// Who may talk to a control plane of tests: kubeconfigs with bearer tokens, and the file of tokens that its API server reads.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { KubeConfig } from '@kubernetes/client-node';

export interface User {
  readonly name: string;
  /** Beside `system:authenticated`. @default none */
  readonly groups?: readonly string[];
}

/** Somebody's way to an API server. */
export interface Access {
  readonly token: string;
  /** Path of a kubeconfig with that token. */
  readonly kubeconfig: string;
  /** The same for a program in TypeScript. */
  readonly config: KubeConfig;
}

export interface Server {
  readonly url: string;
  /** Path of a PEM file with the authority that signed its certificate. */
  readonly ca: string;
}

/** May do everything. */
export const ADMIN: User = { name: 'admin', groups: ['system:masters'] };

/** Gives each a token and a kubeconfig, and writes the file that `--token-auth-file` takes. By name. */
export async function writeUsers(
  folder: string,
  tokens: string,
  { server, users }: { server: Server; users: readonly User[] },
): Promise<ReadonlyMap<string, Access>> {
  const accesses = new Map<string, Access>();
  const lines: string[] = [];
  for (const [i, { name, groups = [] }] of users.entries()) {
    const token = randomBytes(16).toString('hex');
    lines.push(`${token},${name},${name},"${groups.join(',')}"\n`);
    accesses.set(name, await writeAccess(folder, `user-${i}`, { server, token }));
  }
  await writeFile(join(folder, tokens), lines.join(''), { mode: 0o600 });
  return accesses;
}

/** Writes a kubeconfig into the folder. @param namespace - what a command without one means. @default `default` */
export async function writeAccess(
  folder: string,
  file: string,
  { server, token, namespace }: { server: Server; token: string; namespace?: string },
): Promise<Access> {
  const name = 'test';
  const content = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': name },
    clusters: [{ name, cluster: { server: server.url, 'certificate-authority': server.ca } }],
    users: [{ name, user: { token } }],
    contexts: [
      {
        name,
        context: { cluster: name, user: name, ...(namespace !== undefined && { namespace }) },
      },
    ],
  };
  const kubeconfig = join(folder, `${file}.kubeconfig`);
  // JSON is YAML too.
  await writeFile(kubeconfig, JSON.stringify(content, undefined, 2), { mode: 0o600 });
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return { token, kubeconfig, config };
}
