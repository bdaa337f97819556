// Starts a control plane: writes what its programs read, starts one after the other as each is needed, and takes all of it away if one fails.

import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CoreV1Api } from '@kubernetes/client-node';

import { makeTemporaryFolder } from '../../../../common/files/temporary-folder.ts';
import type { TemporaryFolder } from '../../../../common/files/temporary-folder.ts';
import { freePort } from '../../network/ports.ts';
import { ChildProgram } from './child-program.ts';
import { ControlPlane } from './control-plane.ts';
import { ADMIN, writeUsers } from './credentials.ts';
import type { User } from './credentials.ts';
import { stagesByHandToo } from './kwok-stages.ts';
import { argumentsOf, authorityOf, FILES, ORDER } from './programs-of-plane.ts';
import type { Flags, PlaneProgram } from './programs-of-plane.ts';
import { findProgram } from '../programs/find-program.ts';

export interface ControlPlaneOptions {
  /** Who has a token beside the administrator; what they may do is up to RBAC. @default nobody */
  readonly users?: readonly User[];
  readonly flags?: Flags;
}

const CONTROLLER_MANAGER: User = { name: 'system:kube-controller-manager' };
const SCHEDULER: User = { name: 'system:kube-scheduler' };

/**
 * One with no nodes yet, in about five seconds. Whoever starts it disposes of it; its programs die with this process in any case.
 * @throws Error — a program is missing and cannot be made (see `npm run get:k8s`), or does not come up; says where the logs are
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const paths = new Map<PlaneProgram, string>();
  for (const name of ORDER) paths.set(name, await findProgram(name));
  const stages = await readFile(await findProgram('kwok-stages'), 'utf8');
  const place = await makeTemporaryFolder('kubernetes');
  await mkdir(join(place.path, 'logs'));
  await writeFile(join(place.path, FILES.stages), stagesByHandToo(stages));
  await writeAccountKeys(place.path);
  const plane = await settle(place, paths, options);
  try {
    await startAll(plane);
    return plane;
  } catch (reason) {
    const kept = await plane.keepLogs();
    await plane[Symbol.asyncDispose]();
    throw new Error(`the control plane did not start; logs are in ${kept}`, { cause: reason });
  }
}

async function settle(
  place: TemporaryFolder,
  paths: ReadonlyMap<PlaneProgram, string>,
  { users = [], flags = {} }: ControlPlaneOptions,
): Promise<ControlPlane> {
  const folder = place.path;
  const port = await freePort();
  const server = { url: `https://127.0.0.1:${port}`, ca: authorityOf(folder) };
  const accesses = await writeUsers(folder, FILES.tokens, {
    server,
    users: [ADMIN, CONTROLLER_MANAGER, SCHEDULER, ...users],
  });
  const configOf = ({ name }: User): string => accesses.get(name)!.kubeconfig;
  const kubeconfigs = {
    admin: configOf(ADMIN),
    controllerManager: configOf(CONTROLLER_MANAGER),
    scheduler: configOf(SCHEDULER),
  };
  const args = argumentsOf({ folder, port, kubeconfigs });
  const programs = ORDER.map((name) => {
    const command = [paths.get(name)!, ...args[name], ...(flags[name] ?? [])];
    return [name, new ChildProgram(name, command, join(folder, 'logs', `${name}.log`))] as const;
  });
  return new ControlPlane(place, {
    ...{ server, accesses },
    programs: Object.fromEntries(programs) as Record<PlaneProgram, ChildProgram>,
  });
}

/** What service accounts' tokens are signed with. */
async function writeAccountKeys(folder: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = privateKey.export({ type: 'sec1', format: 'pem' });
  await writeFile(join(folder, FILES.accountKey), key, { mode: 0o600 });
  await writeFile(
    join(folder, FILES.accountPublicKey),
    publicKey.export({ type: 'spki', format: 'pem' }),
  );
}

/** The API server waits for etcd itself; the others would end without an API server. */
async function startAll(plane: ControlPlane): Promise<void> {
  const { etcd, 'kube-apiserver': apiServer, ...others } = plane.programs;
  await etcd.start();
  await apiServer.start();
  await plane.isReady();
  for (const program of Object.values(others)) await program.start();
  const core = plane.api(CoreV1Api);
  await plane.untilAlive('namespace default has its service account', async () =>
    core.readNamespacedServiceAccount({ namespace: 'default', name: 'default' }),
  );
}
