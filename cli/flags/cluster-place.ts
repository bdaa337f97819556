// What --kubernetes stands for: its file, and who this coordinator is on the cluster.

import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { readKubernetesSettings } from '../../coordinator/kubernetes/settings.ts';
import type { KubernetesSettings } from '../../coordinator/kubernetes/settings.ts';
import type { CliEnvironment } from '../terminal.ts';

/** The cluster that a coordinator is on, and how it calls itself there. */
export interface ClusterPlace {
  readonly settings: KubernetesSettings;
  readonly namespace: string;
  /** What others see of who leads. */
  readonly identity: string;
  /** Undefined outside of a cluster. */
  readonly pod: string | undefined;
}

/** Stands for the pod's name in the file. */
const POD_NAME = 'POD_NAME';
/** Where a pod finds the namespace that it is in. */
const ACCOUNT_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** @throws invalid-argument — all that is wrong with the file, or POD_NAME is not set; not-found — no such file */
export async function clusterPlaceOf(
  file: string | undefined,
  environment: Pick<CliEnvironment, 'folder' | 'variable'>,
): Promise<ClusterPlace | undefined> {
  if (file === undefined) return undefined;
  const path = resolve(environment.folder, file);
  const settings = readKubernetesSettings(
    await readTextFile(path, `--kubernetes: reading ${path}`),
    file,
  );
  const pod = environment.variable(POD_NAME);
  const { leaderLabel, leaderElection } = settings;
  if (leaderLabel !== undefined && pod === undefined) throw needsPodName('leaderLabel', file);
  const { identity = POD_NAME } = leaderElection ?? {};
  return {
    settings,
    pod,
    namespace: settings.namespace ?? (await ownNamespace(environment)),
    identity: identity === POD_NAME ? (pod ?? hostname()) : identity,
  };
}

async function ownNamespace({ variable }: Pick<CliEnvironment, 'variable'>): Promise<string> {
  const given = variable('POD_NAMESPACE');
  if (given !== undefined) return given;
  const text = await readFile(ACCOUNT_NAMESPACE, 'utf8').catch(() => '');
  return text.trim() || 'default';
}

function needsPodName(key: string, file: string): BivdiffError {
  const message = `${file}: ${key}: POD_NAME is not set, so it is not known which pod this is`;
  const hint =
    'Set it by the downward API: fieldRef metadata.name. Outside of a cluster leave leaderLabel out.';
  return new BivdiffError('invalid-argument', message, { hint });
}
