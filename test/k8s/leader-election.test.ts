// Goal: of two coordinators one leads, whatever becomes of it another does soon, and no work is lost. Method: a real API server with the
// account that the chart gives a coordinator; real coordinators with --kubernetes on one port, which only the leader takes; killed, told to
// end, cut off, stopped, not allowed. Their pods are acted.

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CoordinationV1Api, CoreV1Api, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { V1Role } from '@kubernetes/client-node';
import { expect, it } from 'vitest';

import type { FaultFarm } from '../support/farm/fault-farm.ts';
import type { Program } from '../support/farm/farm-program.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import type { Access } from '../support/kubernetes/plane/credentials.ts';
import { startLyingProxy } from '../support/kubernetes/lying/lying-proxy.ts';
import { gpuPod } from '../support/kubernetes/nodes.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';
import { freePort } from '../support/network/ports.ts';

const LABEL = 'bivdiff.dev/leader';
const LEASE = 'bivdiff-coordinator';

/** As the chart's. */
const ROLE: Required<Pick<V1Role, 'rules'>> = {
  rules: [
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
    {
      ...{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [LEASE] },
      verbs: ['get', 'update'],
    },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
  ],
};

const plane = useControlPlane();
const farmOf = useFarm();
const core = (): CoreV1Api => plane().api(CoreV1Api);

interface Contender {
  readonly pod: string;
  readonly program: Program;
  readonly http: number;
}

let namespaces = 0;

/** A namespace with the account of coordinators, and a farm whose coordinators this test starts. */
async function arrange({ isGranted = true } = {}) {
  namespaces += 1;
  const namespace = `election-${namespaces}`;
  await plane().createNamespace(namespace);
  await core().createNamespacedServiceAccount({
    ...{ namespace, body: { metadata: { name: 'coordinator' } } },
  });
  const rbac = plane().api(RbacAuthorizationV1Api);
  const metadata = { name: 'coordinator' };
  const grant = async (): Promise<void> => {
    await rbac.createNamespacedRole({ namespace, body: { metadata, ...ROLE } });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'coordinator' };
    const subjects = [{ kind: 'ServiceAccount', name: 'coordinator', namespace }];
    await rbac.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef, subjects } });
  };
  if (isGranted) await grant();
  const access = await plane().serviceAccount(namespace, 'coordinator');
  const farm = await farmOf.start({ workers: 0 });
  farm.coordinator!.child.kill('SIGTERM');
  await ended(farm.coordinator!);
  return { namespace, access, farm, grant };
}

interface Place {
  readonly namespace: string;
  readonly access: Access;
  readonly farm: FaultFarm;
  /** For clients. @default the farm's, which only one process has at a time */
  readonly port?: number;
}

async function contend(place: Place, pod: string): Promise<Contender> {
  const { namespace } = place;
  await core().createNamespacedPod({ namespace, body: gpuPod(pod, 0) });
  return restart(place, pod);
}

/** The container of a pod that is there. */
async function restart({ namespace, access, farm, port }: Place, pod: string): Promise<Contender> {
  const file = join(farm.folder, 'kubernetes.yaml');
  await writeFile(file, `leaderElection: { lease: ${LEASE} }\nleaderLabel: ${LABEL}\n`);
  const env = { KUBECONFIG: access.kubeconfig, POD_NAME: pod, POD_NAMESPACE: namespace };
  const http = await freePort();
  const program = farm.startCoordinator(port, { env }, [
    ...['--kubernetes', file, '--http', `127.0.0.1:${http}`],
  ]);
  return { pod, program, http };
}

/** When it said this, as ISO 8601. */
function loggedAt({ program }: Contender, message: string): string {
  const line = program
    .log()
    .split('\n')
    .find((one) => one.includes(`"message":"${message}"`));
  return (JSON.parse(line ?? '{}') as { readonly at?: string }).at ?? '';
}

async function ended({ child }: Program): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function ask({ http }: Contender, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${http}${path}`);
  return { status: answer.status, text: await answer.text() };
}

async function holderOf(namespace: string): Promise<string> {
  const api = plane().api(CoordinationV1Api);
  const { spec } = await api.readNamespacedLease({ namespace, name: LEASE });
  return spec?.holderIdentity ?? '';
}

/** Names of the pods that a Service would reach. */
async function labelled(namespace: string): Promise<readonly string[]> {
  const labelSelector = `${LABEL}=true`;
  const { items } = await core().listNamespacedPod({ namespace, labelSelector });
  return items.map(({ metadata }) => metadata!.name!);
}

/** Waits until this one leads and is labelled, and it alone. */
async function leads(namespace: string, { pod, program }: Contender): Promise<void> {
  const waited = until(`${pod} leads`, async () => {
    const holder = await holderOf(namespace);
    const pods = await labelled(namespace);
    return holder.startsWith(`${pod}_`) && pods.join() === pod;
  });
  await waited.catch((cause: unknown) => {
    throw new Error(`${pod} does not lead:\n${program.log()}`, { cause });
  });
}

it('leads once, follows ready, and hands over when it is told to end', async () => {
  const place = await arrange();
  const { namespace } = place;
  const a = await contend(place, 'a');
  await leads(namespace, a);
  const b = await contend(place, 'b');
  await until('both are ready', async () => {
    const answers = await Promise.all([a, b].map((one) => ask(one, '/readyz')));
    return answers.every(({ status }) => status === 200);
  });
  expect((await ask(a, '/metrics')).text).toContain('bivdiff_leader 1\n');
  expect((await ask(a, '/metrics')).text).toContain('bivdiff_jobs{');
  expect((await ask(b, '/metrics')).text).toContain('bivdiff_leader 0\n');
  expect((await ask(b, '/metrics')).text).not.toContain('bivdiff_jobs{');
  expect(await place.farm.client.list()).toEqual([]);

  a.program.child.kill('SIGTERM');
  expect(await ended(a.program), a.program.log()).toBe(0);
  // It was given up, not left to lapse.
  await leads(namespace, b);
  expect(b.program.log()).toContain('"before":""');
  // The same pod's next container follows.
  const again = await restart(place, 'a');
  await until('it is ready', async () => (await ask(again, '/readyz')).status === 200);
  expect(await holderOf(namespace)).toMatch(/^b_/);
  expect(await labelled(namespace)).toEqual(['b']);
});

it('a killed leader is followed by the other, which takes its label and ends its render with the right bytes', async () => {
  const place = await arrange();
  const { namespace, farm } = place;
  const a = await contend(place, 'a');
  await leads(namespace, a);
  const b = await contend(place, 'b');
  farm.startWorker('w1');
  farm.startWorker('w2');
  await farm.seesWorkers(2);
  const begun = farm.next((event) => event.kind === 'started' && event.stage === 'smooth');
  const id = await farm.submit();
  await begun;
  a.program.child.kill('SIGKILL');
  const killedMs = performance.now();
  await leads(namespace, b);
  const seconds = (performance.now() - killedMs) / 1000;
  process.stderr.write(`from SIGKILL to the next leader's label: ${seconds.toFixed(1)} s\n`);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  expect(farm.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
});

it('takes the label off a killed one though the API server refuses it at first', async () => {
  const place = await arrange();
  const { namespace } = place;
  await using proxy = await startLyingProxy(plane().server);
  const access = await plane().access(place.access.token, { server: proxy.server, namespace });
  const a = await contend(place, 'a');
  await leads(namespace, a);
  const b = await contend({ ...place, access }, 'b');
  // One more than who gives up soon would ask.
  let refusals = 2;
  proxy.lieOf = ({ method, path }) => {
    if (method !== 'PATCH' || !path.endsWith('/pods/a') || refusals === 0) return undefined;
    refusals -= 1;
    return 'error';
  };
  a.program.child.kill('SIGKILL');
  await leads(namespace, b);
  expect(refusals).toBe(0);
  expect(b.program.log()).toContain('patch pods a in namespace');
});

it('a leader that stood still for longer than its lease ends when it goes on', async () => {
  const place = await arrange();
  const { namespace } = place;
  const a = await contend(place, 'a');
  await leads(namespace, a);
  // Stopped, the other keeps its port.
  const b = await contend({ ...place, port: await freePort() }, 'b');
  a.program.child.kill('SIGSTOP');
  await leads(namespace, b);
  a.program.child.kill('SIGCONT');
  expect(await ended(a.program)).toBe(1);
  expect(a.program.log()).toMatch(/leads no longer|another coordinator has taken over/);
  expect(await holderOf(namespace)).toMatch(/^b_/);
  expect(await labelled(namespace)).toEqual(['b']);
});

it('a leader that is cut off from the API server ends, with why, before the other leads', async () => {
  const place = await arrange();
  const { namespace } = place;
  const { host } = new URL(plane().server.url);
  const proxy = await farmOf.proxy(host);
  // Its name is in the server's certificate, whatever the port.
  const server = { ...plane().server, url: `https://${proxy.address}` };
  const access = await plane().access(place.access.token, { server, namespace });
  const a = await contend({ ...place, access }, 'a');
  await leads(namespace, a);
  const b = await contend(place, 'b');
  proxy.blackHole();
  expect(await ended(a.program)).toBe(1);
  expect(a.program.log()).toContain('this coordinator leads no longer: it could not be renewed');
  expect(a.program.log()).toContain('no answer within 2 s');
  await leads(namespace, b);
  const stoppedAt = loggedAt(a, 'coordinator leads no longer');
  expect(
    stoppedAt < loggedAt(b, 'coordinator leads'),
    `${a.program.log()}\n${b.program.log()}`,
  ).toBe(true);
});

it('without the right to, it says which is missing, and leads once it has it', async () => {
  const place = await arrange({ isGranted: false });
  const a = await contend(place, 'a');
  const said = await until('it says so', async () => {
    const { status, text } = await ask(a, '/readyz');
    return status === 503 && text.includes('403') && text;
  });
  expect(said).toContain('patch pods a in namespace');
  expect(a.program.log()).toContain('must grant this account the verb patch on pods');
  expect(a.program.log()).toContain('rbac.create');
  await place.grant();
  await leads(place.namespace, a);
});
