// A Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager and kube-scheduler as they are released, and KWOK, which
// plays nodes. All that is acted is that containers run: a pod is Running and Ready as soon as it has a node.

import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CoreV1Api } from '@kubernetes/client-node';
import type { ApiConstructor, ApiType, KubeConfig } from '@kubernetes/client-node';

import type { TemporaryFolder } from '../../../../common/files/temporary-folder.ts';
import type { ChildProgram } from './child-program.ts';
import { ADMIN, writeAccess } from './credentials.ts';
import type { Access, Server } from './credentials.ts';
import type { PlaneProgram } from './programs-of-plane.ts';
import { until } from '../until.ts';

const START_MS = 120_000;

interface Parts {
  readonly server: Server;
  /** By user. */
  readonly accesses: ReadonlyMap<string, Access>;
  readonly programs: Readonly<Record<PlaneProgram, ChildProgram>>;
}

export class ControlPlane implements AsyncDisposable {
  readonly server: Server;
  /** May do everything. */
  readonly admin: Access;
  readonly programs: Readonly<Record<PlaneProgram, ChildProgram>>;
  readonly #place: TemporaryFolder;
  readonly #accesses: ReadonlyMap<string, Access>;
  #written = 0;

  /** Use `startControlPlane`. */
  constructor(place: TemporaryFolder, { server, accesses, programs }: Parts) {
    this.#place = place;
    this.#accesses = accesses;
    this.server = server;
    this.programs = programs;
    this.admin = this.user(ADMIN.name);
  }

  /** Removed at the end. */
  get folder(): string {
    return this.#place.path;
  }

  /** A client of one API, for the administrator unless another's configuration is given. */
  api<T extends ApiType>(type: ApiConstructor<T>, config: KubeConfig = this.admin.config): T {
    return config.makeApiClient(type);
  }

  /** @throws Error — nobody of this name was asked for at the start */
  user(name: string): Access {
    const access = this.#accesses.get(name);
    if (access === undefined) throw new Error(`the control plane was started without ${name}`);
    return access;
  }

  /** With a token that the API server issues for an hour, as it does for pods. @throws ApiException — there is no such account */
  async serviceAccount(namespace: string, name: string): Promise<Access> {
    const { status } = await this.api(CoreV1Api).createNamespacedServiceAccountToken({
      ...{ namespace, name, body: { spec: { audiences: [], expirationSeconds: 3600 } } },
    });
    return this.access(status?.token ?? '', { namespace });
  }

  /** A kubeconfig with that token. @param place - another way to the API server: through a proxy, say */
  async access(
    token: string,
    place: { readonly server?: Server; readonly namespace?: string } = {},
  ): Promise<Access> {
    this.#written += 1;
    const name = `access-${this.#written}`;
    return writeAccess(this.folder, name, { server: this.server, ...place, token });
  }

  /** One in which pods can be made: its default service account is there. */
  async createNamespace(
    name: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const core = this.api(CoreV1Api);
    await core.createNamespace({ body: { metadata: { name, labels: { ...labels } } } });
    await until(`namespace ${name} has its service account`, async () =>
      core.readNamespacedServiceAccount({ namespace: name, name: 'default' }),
    );
  }

  /** Waits until the API server says that it is; after a start of it. */
  async isReady(): Promise<void> {
    await this.untilAlive('the API server is ready', async () => {
      const options = {
        ca: await readFile(this.server.ca),
        headers: { authorization: `Bearer ${this.admin.token}` },
      };
      const asked = request(`${this.server.url}/readyz`, options).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.statusCode === 200;
    });
  }

  /** As `until`, but gives up when a program that was started has ended; says what it said last. */
  async untilAlive(what: string, question: () => Promise<unknown>): Promise<void> {
    const end = await until(
      what,
      async () => {
        const dead = Object.values(this.programs).find((program) => program.hasEnded);
        if (dead !== undefined) return dead;
        return (await question()) !== false && 'came about';
      },
      START_MS,
    );
    if (end === 'came about') return;
    throw new Error(`${end.name} has ended before this: ${what}\n${await end.lastWords()}`);
  }

  /** Copies the logs of all programs to a folder that stays, and gives it. */
  async keepLogs(): Promise<string> {
    const kept = await mkdtemp(join(tmpdir(), 'kubernetes-logs-'));
    await cp(join(this.folder, 'logs'), kept, { recursive: true });
    return kept;
  }

  /** Kills all of it, and removes what it stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.programs).map(async (program) => program.kill()));
    await this.#place[Symbol.asyncDispose]();
  }
}
