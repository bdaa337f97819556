// Goal: the chart's accounts may do what the program does, and nothing else. Method: the chart installed by helm on a real API server; coordinators run
// with its own file, in the name of its own pods, with the account that it makes, until one leads and scales. The server's audit log says which
// verbs were used; its own review of an account's rules says which are granted, and calls that others would make are refused.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  AppsV1Api,
  AuthorizationV1Api,
  CoordinationV1Api,
  CoreV1Api,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import type { Program } from '../support/farm/farm-program.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import { openAuditLog } from '../support/kubernetes/audit/audit-log.ts';
import { rightsOf, usedLines } from '../support/kubernetes/audit/used-rights.ts';
import { CHART, runHelm } from '../support/kubernetes/chart/render-chart.ts';
import type { Access } from '../support/kubernetes/plane/credentials.ts';
import { addNodes, alike } from '../support/kubernetes/nodes.ts';
import { refusalOf } from '../support/kubernetes/refusal.ts';
import { replicasOf } from '../support/kubernetes/scaling/scaled-pools.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';
import { freePort } from '../support/network/ports.ts';

const NAMESPACE = 'rights';
const COORDINATOR = 'farm-bivdiff-coordinator';
const WORKER = 'farm-bivdiff-worker';
const POOLS = ['farm-bivdiff-idm', 'farm-bivdiff-mixer', 'farm-bivdiff-vdm'];
/** One more than a Deployment has at first: the scaler has something to set. */
const VALUES = { poolDefaults: { scaling: { min: 2 } } };

const audit = await openAuditLog();
const plane = useControlPlane({ flags: audit.flags }, async (started) => {
  await addNodes(started, alike(4, { name: 'gpu-node', gpus: 4 }));
});
const farmOf = useFarm();
afterAll(async () => audit[Symbol.asyncDispose]());

beforeAll(async () => {
  await plane().createNamespace(NAMESPACE);
  const place = ['--namespace', NAMESPACE, '--kubeconfig', plane().admin.kubeconfig];
  await runHelm(['install', 'farm', CHART, ...place, '--values', '-'], JSON.stringify(VALUES));
});

/** What the server says that an account may do, beyond what every account may. */
async function mayDo(account: string, namespace: string): Promise<readonly string[]> {
  const rulesOf = async (name: string): Promise<readonly string[]> => {
    const { config } = await plane().serviceAccount(NAMESPACE, name);
    const { status } = await plane()
      .api(AuthorizationV1Api, config)
      .createSelfSubjectRulesReview({ body: { spec: { namespace } } });
    expect(status?.incomplete).toBe(false);
    return rightsOf(status!.resourceRules);
  };
  const everybody = new Set(await rulesOf('default'));
  return (await rulesOf(account)).filter((line) => !everybody.has(line));
}

async function roleLines(): Promise<readonly string[]> {
  const { rules } = await plane()
    .api(RbacAuthorizationV1Api)
    .readNamespacedRole({ namespace: NAMESPACE, name: COORDINATOR });
  return rightsOf(rules ?? []);
}

describe('the account of the coordinator', () => {
  it('uses every verb that it has, and asks for no other', async () => {
    const { items } = await plane()
      .api(CoreV1Api)
      .listNamespacedConfigMap({ namespace: NAMESPACE });
    const text = items.map(({ data = {} }) => data['kubernetes.yaml']).find(Boolean);
    const access = await plane().serviceAccount(NAMESPACE, COORDINATOR);
    const farm = await farmOf.start({ workers: 0 });
    farm.coordinator!.child.kill('SIGKILL');
    const file = join(farm.folder, 'kubernetes.yaml');
    await writeFile(file, text!);
    const pods = await until('its pods are there', async () => {
      const labelSelector = 'app.kubernetes.io/component=coordinator';
      const found = await plane()
        .api(CoreV1Api)
        .listNamespacedPod({ namespace: NAMESPACE, labelSelector });
      return found.items.length === 2 && found.items.map(({ metadata }) => metadata!.name!);
    });
    const programs: Program[] = [];
    const ports: number[] = [];
    for (const pod of pods) {
      const port = await freePort();
      ports.push(port);
      const env = { KUBECONFIG: access.kubeconfig, POD_NAME: pod, POD_NAMESPACE: NAMESPACE };
      programs.push(farm.startCoordinator(port, { env }, ['--kubernetes', file]));
    }
    const all = until(
      'the pools have their workers',
      async () => {
        const counts = await Promise.all(POOLS.map((one) => replicasOf(plane(), NAMESPACE, one)));
        return counts.every((count) => count === 2);
      },
      120_000,
    );
    await all.catch((cause: unknown) => {
      throw new Error(programs.map(({ log }) => log()).join('\n'), { cause });
    });
    // The other one leads nothing, and answers nobody.
    const asked = ports.map((port) =>
      endOfCli(startCli(['workers', '--server', `127.0.0.1:${port}`])),
    );
    const said = (await Promise.all(asked)).map(({ stdout }) => stdout).join('');
    for (const pool of ['idm', 'mixer', 'vdm']) {
      expect(said).toMatch(new RegExp(`^${pool}: .*\\bworkers\\b`, 'm'));
    }
    const granted = await roleLines();
    const audited = await audit.read();
    const isUser = new RegExp(`:${NAMESPACE}:${COORDINATOR}$`);
    expect(usedLines(audited, { isUser, granted })).toEqual(granted);
    const refused = audited.filter(({ responseStatus }) => responseStatus?.code === 403);
    expect(refused).toEqual([]);
    const counts = granted.map((line) => line.split(' ')[0]);
    process.stderr.write(`verbs granted and used: ${counts.length}\n${granted.join('\n')}\n`);
  });

  it('has what its Role says and no more, there and elsewhere', async () => {
    expect(await mayDo(COORDINATOR, NAMESPACE)).toEqual(await roleLines());
    expect(await mayDo(COORDINATOR, 'default')).toEqual([]);
    expect(await mayDo(COORDINATOR, 'kube-system')).toEqual([]);
  });

  const at = { namespace: NAMESPACE };
  const core = ({ config }: Access): CoreV1Api => plane().api(CoreV1Api, config);
  const apps = ({ config }: Access): AppsV1Api => plane().api(AppsV1Api, config);
  const leases = ({ config }: Access): CoordinationV1Api => plane().api(CoordinationV1Api, config);
  const POD: object = { metadata: { name: 'other' } };
  const REFUSED: readonly (readonly [string, (access: Access) => Promise<unknown>])[] = [
    ['delete pods', (me) => core(me).deleteNamespacedPod({ ...at, name: 'any' })],
    ['delete all pods', (me) => core(me).deleteCollectionNamespacedPod(at)],
    ['create pods', (me) => core(me).createNamespacedPod({ ...at, body: POD })],
    ['get a pod', (me) => core(me).readNamespacedPod({ ...at, name: 'any' })],
    [
      'list pods of another namespace',
      (me) => core(me).listNamespacedPod({ namespace: 'default' }),
    ],
    ['list pods of all namespaces', (me) => core(me).listPodForAllNamespaces()],
    ['list nodes', (me) => core(me).listNode()],
    ['list secrets', (me) => core(me).listNamespacedSecret(at)],
    ['get a secret', (me) => core(me).readNamespacedSecret({ ...at, name: 'farm-bivdiff-tokens' })],
    ['list config maps', (me) => core(me).listNamespacedConfigMap(at)],
    [
      'ask for a token of another account',
      (me) => {
        const body = { spec: { audiences: [] } };
        return core(me).createNamespacedServiceAccountToken({ ...at, name: 'default', body });
      },
    ],
    [
      'delete a Deployment',
      (me) => apps(me).deleteNamespacedDeployment({ ...at, name: POOLS[0]! }),
    ],
    [
      'change a Deployment',
      (me) => apps(me).patchNamespacedDeployment({ ...at, name: POOLS[0]!, body: [] }),
    ],
    [
      'scale the coordinator',
      (me) => apps(me).readNamespacedDeploymentScale({ ...at, name: COORDINATOR }),
    ],
    ['list leases', (me) => leases(me).listNamespacedLease(at)],
    ['get another lease', (me) => leases(me).readNamespacedLease({ ...at, name: 'other' })],
    ['delete its lease', (me) => leases(me).deleteNamespacedLease({ ...at, name: COORDINATOR })],
  ];

  it.each(REFUSED)('may not %s', async (_, call) => {
    const access = await plane().serviceAccount(NAMESPACE, COORDINATOR);
    expect((await refusalOf(call(access))).code).toBe(403);
  });
});

it('the account of workers may do nothing, and its token is not handed to them', async () => {
  expect(await mayDo(WORKER, NAMESPACE)).toEqual([]);
  const { items } = await plane().api(CoreV1Api).listNamespacedPod({ namespace: NAMESPACE });
  const workers = items.filter(({ spec }) => spec?.serviceAccountName === WORKER);
  expect(workers.length).toBeGreaterThan(0);
  for (const { spec } of workers) expect(spec!.automountServiceAccountToken).toBe(false);
  const account = await plane()
    .api(CoreV1Api)
    .readNamespacedServiceAccount({ namespace: NAMESPACE, name: WORKER });
  expect(account.automountServiceAccountToken).toBe(false);
});
