// Goal: a farm that the chart's first commit installed is upgraded by this one, and rolled back: no object is made anew, secrets and the store's
// claim stay, and whoever scales a pool keeps its number of workers. Method: helm against a control plane; the first chart out of git.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { AppsV1Api, CoreV1Api, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { V1ObjectMeta } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { helmOn, RESTRICTED, useChartPlane } from '../support/kubernetes/chart/install-chart.ts';
import {
  CHART,
  CI_FILES,
  ciValues,
  renderChart,
} from '../support/kubernetes/chart/render-chart.ts';

const run = promisify(execFile);
const FIRST = 'a10f4f742d9b074606dad0286990279754a80ef5';
const NUMERICS = 'cuda:nvidia-h200-cpu-x64-avx512/tf32+timed-search/onnxruntime-1.30.0/v8-13.6';
/** What a scaler has set, unlike any of the values. */
const REPLICAS = 3;

const plane = useChartPlane();
let folder = '';
let first = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-first-chart-'));
  const archive = join(folder, 'chart.tar');
  // Of a shallow clone git says what it lacks.
  await run('git', ['archive', '--output', archive, FIRST, 'helm/bivdiff'], {
    cwd: import.meta.dirname + '/../..',
  });
  await run('tar', ['--extract', '--file', archive, '--directory', folder]);
  first = join(folder, 'helm/bivdiff');
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

interface Named {
  readonly metadata?: V1ObjectMeta;
}

/** By kind and name: what is the same only if nobody has made it anew. */
async function identities(namespace: string): Promise<ReadonlyMap<string, string>> {
  const [apps, core] = [plane().api(AppsV1Api), plane().api(CoreV1Api)];
  const lists: Record<string, { readonly items: readonly Named[] }> = {
    Deployment: await apps.listNamespacedDeployment({ namespace }),
    StatefulSet: await apps.listNamespacedStatefulSet({ namespace }),
    PersistentVolumeClaim: await core.listNamespacedPersistentVolumeClaim({ namespace }),
    ServiceAccount: await core.listNamespacedServiceAccount({ namespace }),
    Service: await core.listNamespacedService({ namespace }),
  };
  return new Map(
    Object.entries(lists).flatMap(([kind, { items }]) =>
      items.map(({ metadata }) => [`${kind} ${metadata?.name}`, metadata!.uid!] as const),
    ),
  );
}

/** What was drawn; helm's own records are no part of it. */
async function secrets(namespace: string): Promise<object> {
  const { items } = await plane().api(CoreV1Api).listNamespacedSecret({ namespace });
  const ours = items.filter(({ type }) => type !== 'helm.sh/release.v1');
  return Object.fromEntries(ours.map(({ metadata, data }) => [metadata?.name, data]));
}

/** Replicas of the Deployments whose number is not the chart's. */
async function scaledReplicas(namespace: string, names: readonly string[]) {
  const { items } = await plane().api(AppsV1Api).listNamespacedDeployment({ namespace });
  const scaled = items.filter(({ metadata }) => names.includes(metadata?.name ?? ''));
  return Object.fromEntries(scaled.map(({ metadata, spec }) => [metadata?.name, spec?.replicas]));
}

async function scale(namespace: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const patch = { op: 'add', path: '/spec/replicas', value: REPLICAS };
    const body = [patch];
    await plane()
      .api(AppsV1Api)
      .patchNamespacedDeploymentScale({ namespace, name, body, fieldManager: 'bivdiff-scaler' });
  }
}

describe('a farm of the first chart', () => {
  it.each(['default', ...CI_FILES])('%s is upgraded and rolled back', async (file) => {
    const namespace = `up-${file.replace('-values.yaml', '')}`;
    await plane().createNamespace(namespace, RESTRICTED);
    const at = ['--namespace', namespace];
    const values = await ciValues(file, first);
    // The first chart's files name classes that there are not.
    if (values.coordinator?.numerics !== undefined) values.coordinator.numerics = NUMERICS;
    await helmOn(plane(), ['install', 'farm', first, ...at], values);
    const chart = await renderChart(values, { namespace });
    const scaled = chart
      .ofKind('Deployment')
      .filter(({ spec }) => spec.replicas === undefined)
      .map(({ metadata }) => metadata.name);
    await scale(namespace, scaled);
    const before = { identities: await identities(namespace), secrets: await secrets(namespace) };

    const said = await helmOn(plane(), ['upgrade', 'farm', CHART, ...at], values);
    expect(said).toContain('STATUS: deployed');
    const after = await identities(namespace);
    for (const [what, uid] of before.identities) expect(after.get(what), what).toBe(uid);
    expect(await secrets(namespace)).toEqual(before.secrets);
    const kept = Object.fromEntries(scaled.map((name) => [name, REPLICAS]));
    expect(await scaledReplicas(namespace, scaled)).toEqual(kept);
    // And it is this chart's: the coordinator may what it asks for.
    const rbac = plane().api(RbacAuthorizationV1Api);
    for (const role of chart.ofKind('Role')) {
      const { rules } = await rbac.readNamespacedRole({ namespace, name: role.metadata.name });
      expect(rules?.map(({ resources, verbs }) => ({ resources, verbs }))).toEqual(
        (role['rules'] as { resources: string[]; verbs: string[] }[]).map(
          ({ resources, verbs }) => ({ resources, verbs }),
        ),
      );
    }

    await helmOn(plane(), ['rollback', 'farm', '1', ...at]);
    expect(await secrets(namespace)).toEqual(before.secrets);
    expect(await scaledReplicas(namespace, scaled)).toEqual(kept);
  });
});
