// Goal: the chart installs on a real API server, as it is and by each file of ci/, in a namespace that enforces Pod Security restricted; and what it
// draws, it keeps. Method: helm itself against a control plane; pods are made for trial, so that admission sees them.

import { readFile } from 'node:fs/promises';

import { CoreV1Api } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';

import { helmOn, RESTRICTED, useChartPlane } from '../support/kubernetes/chart/install-chart.ts';
import {
  CHART,
  CI_FILES,
  ciValues,
  renderChart,
} from '../support/kubernetes/chart/render-chart.ts';
import { kubectlOf } from '../support/kubernetes/programs/kubectl.ts';

const plane = useChartPlane();

async function helm(words: readonly string[], values: object): Promise<string> {
  return helmOn(plane(), words, values);
}

describe('the chart', () => {
  it.each(['default', ...CI_FILES])(
    '%s is installed where Pod Security is enforced',
    async (file) => {
      const namespace = `ci-${file.replace('-values.yaml', '')}`;
      await plane().createNamespace(namespace, RESTRICTED);
      const values = await ciValues(file);
      const said = await helm(['install', 'farm', CHART, '--namespace', namespace], values);
      expect(said).toContain('STATUS: deployed');
      const core = plane().api(CoreV1Api);
      const chart = await renderChart(values, { namespace });
      for (const { name, labels, spec } of chart.pods()) {
        // Priority classes and runtime classes are the cluster's.
        const rest = { ...spec, priorityClassName: undefined, runtimeClassName: undefined };
        const body = { metadata: { name, labels: { ...labels } }, spec: rest };
        await core.createNamespacedPod({ namespace, body, dryRun: 'All' });
      }
    },
  );

  it('is refused where Pod Security is enforced, once a hook opens a pod', async () => {
    const namespace = 'opened';
    await plane().createNamespace(namespace, RESTRICTED);
    const patch = [{ op: 'remove', path: '/spec/template/spec/containers/0/securityContext' }];
    const overrides = { natsStatefulSet: { patch } };
    const chart = await renderChart({
      overrides,
      serviceAccounts: { coordinator: { create: false } },
    });
    const [nats] = chart.pods().filter(({ name }) => name.endsWith('nats'));
    const body = { metadata: { name: 'nats' }, spec: nats!.spec };
    const made = plane().api(CoreV1Api).createNamespacedPod({ namespace, body, dryRun: 'All' });
    await expect(made).rejects.toThrow(/violates PodSecurity/);
  });
});

describe('what is drawn', () => {
  const namespace = 'drawn';
  const names = ['ca', 'tokens', 'nats-users', 'coordinator-tls', 'nats-tls', 'worker-tls'];
  async function secrets(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
    const core = plane().api(CoreV1Api);
    const read = names.map(async (name) => {
      const secret = await core.readNamespacedSecret({ namespace, name: `farm-bivdiff-${name}` });
      return [name, secret.data ?? {}] as const;
    });
    return Object.fromEntries(await Promise.all(read));
  }
  const upgrade = async (values: object): Promise<string> =>
    helm(['upgrade', 'farm', CHART, '--namespace', namespace], { device: 'cpu', ...values });

  it('is kept over upgrades, and made anew only where its names change', async () => {
    await plane().createNamespace(namespace, RESTRICTED);
    await helm(['install', 'farm', CHART, '--namespace', namespace], { device: 'cpu' });
    const first = await secrets();
    await upgrade({});
    expect(await secrets()).toEqual(first);
    await upgrade({ tls: { extraNames: ['farm.example'] } });
    const named = await secrets();
    expect(named['coordinator-tls']!['tls.crt']).not.toBe(first['coordinator-tls']!['tls.crt']);
    expect(named['coordinator-tls']!['ca.crt']).toBe(first['coordinator-tls']!['ca.crt']);
    expect({ ...named, 'coordinator-tls': {} }).toEqual({ ...first, 'coordinator-tls': {} });
    await upgrade({ tls: { extraNames: ['farm.example'] } });
    expect(await secrets()).toEqual(named);
  });

  it('has the same admin’s token when other tokens are added', async () => {
    const { tokens } = await secrets();
    const added = { sha256: 'ab'.repeat(32), owner: 'ann', roles: ['submit'] };
    await upgrade({ auth: { tokens: [added] } });
    const { tokens: after } = await secrets();
    expect(after!['admin']).toBe(tokens!['admin']);
    expect(after!['tokens.yaml']).not.toBe(tokens!['tokens.yaml']);
  });

  it('leaves pods as they are when nothing changes', async () => {
    const values = { tls: { extraNames: ['farm.example'] } };
    await upgrade(values);
    const path = ['get', 'deployments,statefulsets', '--namespace', namespace, '--output'];
    const generations = async (): Promise<string> => {
      const format =
        'jsonpath={range .items[*]}{.metadata.name} {.metadata.generation}{"\\n"}{end}';
      return (await kubectlOf(plane().admin, [...path, format])).out;
    };
    const before = await generations();
    await upgrade(values);
    expect(await generations()).toBe(before);
  });

  it('goes with the release, but for the store', async () => {
    await helmOn(plane(), ['uninstall', 'farm', '--namespace', namespace]);
    const { items } = await plane()
      .api(CoreV1Api)
      .listNamespacedPersistentVolumeClaim({ namespace });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['farm-bivdiff-store']);
    await expect(secrets()).rejects.toThrow();
  });
});

it('README’s command is the one that is tested', async () => {
  const readme = await readFile(`${CHART}/../../docs/kubernetes.md`, 'utf8');
  expect(readme).toContain('helm install farm helm/bivdiff --namespace render --create-namespace');
});
