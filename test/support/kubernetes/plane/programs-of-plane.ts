// How each program of a control plane is called. All listen on loopback or on a socket in the folder, or not at all. Knows nothing of when they
// are started.

import { join } from 'node:path';

/** In the order in which they are started. */
export const ORDER = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok',
] as const;

export type PlaneProgram = (typeof ORDER)[number];

/** Further flags, after ours. */
export type Flags = Readonly<Partial<Record<PlaneProgram, readonly string[]>>>;

export interface Place {
  readonly folder: string;
  readonly port: number;
  /** Paths of kubeconfigs. */
  readonly kubeconfigs: Readonly<Record<'admin' | 'controllerManager' | 'scheduler', string>>;
}

/** Names of files in the folder. */
export const FILES = {
  tokens: 'tokens.csv',
  accountKey: 'service-accounts.key',
  accountPublicKey: 'service-accounts.pub',
  stages: 'stages.yaml',
} as const;

/** The API server makes its certificate itself, and puts its authority's behind it. */
export function authorityOf(folder: string): string {
  return join(folder, 'apiserver', 'apiserver.crt');
}

export function argumentsOf({ folder, port, kubeconfigs }: Place): Record<PlaneProgram, string[]> {
  const at = (name: string): string => join(folder, name);
  const etcd = `unix://${at('etcd.sock')}`;
  const peers = `unix://${at('peers.sock')}`;
  return {
    etcd: [
      ...['--name=test', `--data-dir=${at('etcd')}`, '--unsafe-no-fsync', '--log-level=warn'],
      ...[`--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      ...[`--listen-peer-urls=${peers}`, `--initial-advertise-peer-urls=${peers}`],
      `--initial-cluster=test=${peers}`,
    ],
    'kube-apiserver': [
      ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${port}`],
      ...['--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.0.0.0/24'],
      ...[`--etcd-servers=${etcd}`, `--cert-dir=${at('apiserver')}`],
      ...['--authorization-mode=RBAC', `--token-auth-file=${at(FILES.tokens)}`],
      // Pods of tests may ask for it, so that Pod Security is what refuses them.
      '--allow-privileged',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${at(FILES.accountPublicKey)}`,
      `--service-account-signing-key-file=${at(FILES.accountKey)}`,
    ],
    'kube-controller-manager': [
      ...[`--kubeconfig=${kubeconfigs.controllerManager}`, '--leader-elect=false'],
      ...['--secure-port=0', '--use-service-account-credentials'],
      ...['--kube-api-qps=200', '--kube-api-burst=400'],
      `--service-account-private-key-file=${at(FILES.accountKey)}`,
      `--root-ca-file=${authorityOf(folder)}`,
    ],
    'kube-scheduler': [
      ...[`--kubeconfig=${kubeconfigs.scheduler}`, '--leader-elect=false', '--secure-port=0'],
      ...['--kube-api-qps=200', '--kube-api-burst=400'],
    ],
    kwok: [
      ...[`--kubeconfig=${kubeconfigs.admin}`, `--config=${at(FILES.stages)}`],
      ...['--manage-all-nodes=true', '--node-lease-duration-seconds=40', '--server-address='],
    ],
  };
}
