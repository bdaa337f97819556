// Renders on a control plane: their definition as the coordinator says to make it, and coordinators of namespaces with the chart's rights.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CoreV1Api, CustomObjectsApi, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { V1PolicyRule } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { stringify } from 'yaml';

import type {
  Condition,
  RenderStatus,
} from '../../../../coordinator/kubernetes/renders/resource.ts';
import type { FaultFarm } from '../../farm/fault-farm.ts';
import { died } from '../../farm/farm-program.ts';
import type { Program } from '../../farm/farm-program.ts';
import { useFarm } from '../../farm/use-farm.ts';
import { CHART, renderChart, runHelm } from '../chart/render-chart.ts';
import type { ControlPlane } from '../plane/control-plane.ts';
import type { Server } from '../plane/credentials.ts';
import type { ControlPlaneOptions } from '../plane/start-control-plane.ts';
import { kubectlOf } from '../programs/kubectl.ts';
import type { Said } from '../programs/kubectl.ts';
import { until } from '../until.ts';
import { useControlPlane } from '../use-control-plane.ts';

/** A clip, and the settings of JOB_FLAGS, whose bytes are known. */
export const CLIP = join(import.meta.dirname, '../../../../examples/source.mp4');
const SETTINGS = {
  ...{ task: 'controlnet', control: { type: 'canny' }, input: { stride: 1 } },
  ...{ frames: 16, frameBatch: 2, steps: 3, mixingRatio: 0.5, seed: 7, long: 'independent' },
  prompt: 'a green star moving right on a white background',
};
const ENABLED = { renders: { enabled: true } };

export const APPLY = ['apply', '--server-side', '--force-conflicts', '-f', '-'];

/** As the coordinator says to make it. */
export const definition = (): Promise<string> =>
  runHelm([
    ...['template', 'farm', CHART, '--set', 'renders.enabled=true'],
    ...['--show-only', 'templates/renders/definition.yaml'],
  ]);

/** Of the spec of a Render, where that is another than most tests need. */
export interface Spec {
  readonly render?: object;
  readonly [field: string]: unknown;
}

/** As the API server has it. */
export interface Listed {
  readonly metadata: { readonly generation: number };
  readonly status: RenderStatus & {
    readonly jobId: string;
    readonly conditions: readonly [Condition, ...Condition[]];
  };
}

export function conditionsOf({ status }: Listed): Readonly<Record<string, string>> {
  return Object.fromEntries(
    status.conditions.map(({ type, status: is, reason }) => [type, `${is} ${reason}`]),
  );
}

export function applyRender(
  { admin }: ControlPlane,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { render = {}, ...spec }: Spec = {},
): Promise<Said> {
  const object = {
    ...{ apiVersion: 'bivdiff.dev/v1alpha1', kind: 'Render', metadata: { name } },
    spec: { source: { path: 'source.mp4' }, render: { ...SETTINGS, ...render }, ...spec },
  };
  return kubectlOf(admin, ['apply', '-f', '-', '--namespace', namespace], stringify(object));
}

interface PlaceOptions {
  readonly plane: ControlPlane;
  readonly namespace: string;
  readonly farm: FaultFarm;
  readonly start: () => Program;
}

/** A namespace, and the coordinator that serves its Renders. */
export class RenderPlace {
  readonly farm: FaultFarm;
  readonly #options: PlaceOptions;
  coordinator: Program;

  constructor(options: PlaceOptions) {
    this.#options = options;
    this.farm = options.farm;
    this.coordinator = options.start();
  }

  restart(): void {
    this.coordinator = this.#options.start();
  }

  get sources(): string {
    return join(this.farm.folder, 'sources');
  }

  kubectl(words: readonly string[]): Promise<Said> {
    const { plane, namespace } = this.#options;
    return kubectlOf(plane.admin, [...words, '--namespace', namespace]);
  }

  async apply(name: string, spec: Spec = {}): Promise<Said> {
    const { plane, namespace } = this.#options;
    const said = await applyRender(plane, { namespace, name }, spec);
    expect(said.code, said.err).toBe(0);
    return said;
  }

  async patch(name: string, spec: Spec): Promise<void> {
    const words = ['patch', 'render', name, '--type', 'merge', '--patch'];
    const said = await this.kubectl([...words, JSON.stringify({ spec })]);
    expect(said.code, said.err).toBe(0);
  }

  async get(name: string): Promise<Listed> {
    const kind = { group: 'bivdiff.dev', version: 'v1alpha1', plural: 'renders' };
    const { plane, namespace } = this.#options;
    const custom = plane.api(CustomObjectsApi);
    return (await custom.getNamespacedCustomObject({ ...kind, namespace, name })) as Listed;
  }

  /** Waits until it is in one of these states, and gives it. */
  async reaches(name: string, ...states: readonly string[]): Promise<Listed> {
    let last: Partial<Listed> | undefined;
    const what = `${name} is ${states.join(' or ')}`;
    const reached = until(what, async () => {
      const render = await this.get(name);
      last = render;
      return states.includes(last.status?.state ?? '') && render;
    });
    return reached.catch((cause: unknown) => {
      const log = this.coordinator.log().slice(-3000);
      throw new Error(`not: ${what}: ${stringify(last?.status)}\n${log}`, { cause });
    });
  }

  async isGone(name: string): Promise<boolean> {
    return this.get(name).then(
      () => false,
      (reason: unknown) => (reason as { readonly code?: number }).code === 404,
    );
  }
}

interface Arranged {
  /** A resource that the coordinator may do nothing with. */
  readonly without?: string;
  /** How the coordinator reaches the API server. @default straight */
  readonly server?: Server;
}

/** While a file's tests run: a control plane that knows Renders, and farms. */
export function useRenders(options: ControlPlaneOptions = {}) {
  const plane = useControlPlane(options, async ({ admin }) => {
    const said = await kubectlOf(admin, APPLY, await definition());
    expect(said.code, said.err).toBe(0);
  });
  const farmOf = useFarm();
  let namespaces = 0;
  return {
    plane,
    /** Digest of the clip that Renders with the usual settings become. */
    reference: () => farmOf.reference(),
    /** A namespace with the chart's account for coordinators, and a coordinator that serves its Renders. */
    arrange: async ({ without = '', server }: Arranged = {}): Promise<RenderPlace> => {
      namespaces += 1;
      const namespace = `renders-${namespaces}`;
      await plane().createNamespace(namespace);
      await grantCoordinator(plane(), namespace, without);
      const { token } = await plane().serviceAccount(namespace, 'coordinator');
      const access = await plane().access(token, { namespace, ...(server && { server }) });
      const farm = await farmOf.start({ workers: 0 });
      farm.coordinator!.child.kill('SIGTERM');
      await died(farm.coordinator!);
      const sources = join(farm.folder, 'sources');
      await mkdir(sources);
      await copyFile(CLIP, join(sources, 'source.mp4'));
      const file = join(farm.folder, 'kubernetes.yaml');
      await writeFile(file, stringify({ namespace, renders: { priorityMax: 60, sources } }));
      const env = { KUBECONFIG: access.kubeconfig };
      const start = (): Program =>
        farm.startCoordinator(undefined, { env }, ['--kubernetes', file]);
      return new RenderPlace({ plane: plane(), namespace, farm, start });
    },
  };
}

/** What the chart's coordinators may where Renders are served. */
export async function rulesOfRenders(): Promise<readonly V1PolicyRule[]> {
  const chart = await renderChart({ ...ENABLED, autoscaling: { by: 'none' } });
  return (chart.one('Role') as { rules: V1PolicyRule[] }).rules;
}

/** `without`: a resource that it may do nothing with. */
async function grantCoordinator(
  plane: ControlPlane,
  namespace: string,
  without: string,
): Promise<void> {
  const metadata = { name: 'coordinator' };
  await plane.api(CoreV1Api).createNamespacedServiceAccount({ namespace, body: { metadata } });
  const rules = await rulesOfRenders();
  const granted = rules.filter(({ resources }) => resources?.[0] !== without);
  const rbac = plane.api(RbacAuthorizationV1Api);
  await rbac.createNamespacedRole({ namespace, body: { metadata, rules: granted } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'coordinator' };
  const subjects = [{ kind: 'ServiceAccount', name: 'coordinator', namespace }];
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef, subjects } });
}
