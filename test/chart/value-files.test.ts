// The chart's default and the files of ci/, as a cluster would get them: valid, restricted, whole.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';

import { createProgram } from '../../cli/program.ts';
import { createSampleEnvironment } from '../unit/cli/sample-environment.ts';
import { containersOf } from '../support/kubernetes/chart/objects.ts';
import type { Yaml, Rendered } from '../support/kubernetes/chart/objects.ts';
import {
  CHART,
  CI_FILES,
  ciValues,
  renderChart,
} from '../support/kubernetes/chart/render-chart.ts';
import { SCHEMA_NAME, writeSchemas } from '../support/kubernetes/chart/schemas.ts';
import { findProgram } from '../support/kubernetes/programs/find-program.ts';

const run = promisify(execFile);
const RESTRICTED_VOLUMES = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image'],
  ...['persistentVolumeClaim', 'projected', 'secret'],
];

let folder: string;
const rendered = new Map<string, Rendered>();
const FILES = ['default', ...CI_FILES];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-chart-'));
  await writeSchemas(join(folder, 'schemas'));
  for (const file of FILES) {
    rendered.set(file, await renderChart(await ciValues(file)));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(FILES)('%s', (file) => {
  const chart = (): Rendered => rendered.get(file)!;

  it('has objects of its own to be valid', () => {
    expect(chart().objects.length).toBeGreaterThanOrEqual(10);
  });

  it('fits the Pod Security Standard restricted, in every pod', () => {
    expect(chart().pods().length).toBeGreaterThanOrEqual(3);
    for (const { name, spec } of chart().pods()) {
      expect(spec.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC'])
        expect(spec[field]).toBeUndefined();
      for (const container of containersOf(spec)) {
        expect(container.securityContext, `${name} ${container.name}`).toMatchObject({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        });
      }
      for (const volume of spec.volumes as Yaml[]) {
        const kinds = Object.keys(volume).filter((key) => key !== 'name');
        for (const kind of kinds)
          expect(RESTRICTED_VOLUMES, `${name} ${volume.name}`).toContain(kind);
      }
    }
  });

  it('mounts what each pod has, and has what each mounts', () => {
    for (const { name, spec } of chart().pods()) {
      const volumes = (spec.volumes as Yaml[]).map((one) => one.name as string).sort();
      const mounts = containersOf(spec).flatMap((one): string[] =>
        (one.volumeMounts ?? []).map((mount: Yaml) => mount.name),
      );
      expect([...new Set(mounts)].sort(), name).toEqual(volumes);
    }
  });

  it('asks for processors and memory, and bounds memory, in every container', () => {
    for (const { name, spec } of chart().pods())
      for (const { name: container, resources } of containersOf(spec)) {
        expect(resources?.requests?.cpu, `${name} ${container}`).toBeDefined();
        expect(resources?.requests?.memory, `${name} ${container}`).toBeDefined();
        expect(resources?.limits?.memory, `${name} ${container}`).toBeDefined();
      }
  });

  it('selects with every selector what is there, and no two workloads share pods', () => {
    const { objects } = chart();
    const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
    for (const { metadata, spec } of workloads) {
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
      const matched = chart()
        .pods()
        .filter(({ labels }) => fits(labels, spec.selector.matchLabels));
      expect(matched.map((one) => one.name)).toEqual([metadata.name]);
    }
    for (const { kind, metadata, spec } of objects) {
      if (kind !== 'Service' && kind !== 'PodDisruptionBudget' && kind !== 'NetworkPolicy')
        continue;
      const selector = {
        ...(spec.selector?.matchLabels ?? spec.podSelector?.matchLabels ?? spec.selector),
      };
      // The leader has it by itself.
      delete selector['bivdiff.dev/leader'];
      const matched = chart()
        .pods()
        .filter(({ labels }) => fits(labels, selector));
      expect(matched.length, `${kind} ${metadata.name}`).toBeGreaterThan(0);
    }
  });

  it('names every object once, in the release’s namespace, with the labels of all', () => {
    const names = chart().objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { kind, metadata } of chart().objects) {
      // The only object that is the whole cluster's, by a name that Kubernetes prescribes.
      if (kind === 'CustomResourceDefinition') expect(metadata.name).toBe('renders.bivdiff.dev');
      else {
        expect(metadata.namespace).toBe('render');
        expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/instance': 'farm',
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/part-of': 'bivdiff',
      });
    }
  });

  it('refers to secrets, maps, claims and accounts that are there or that the values name', async () => {
    const values = file === 'default' ? '{}' : JSON.stringify(await ciValues(file));
    const made = new Set(chart().objects.map(({ metadata }) => metadata.name));
    for (const { spec } of chart().ofKind('Certificate')) made.add(spec.secretName);
    const known = (name: string | undefined): boolean =>
      name === undefined || made.has(name) || values.includes(`"${name}"`);
    for (const { name, spec } of chart().pods()) {
      for (const volume of spec.volumes as Yaml[]) {
        const refers =
          volume.secret?.secretName ??
          volume.configMap?.name ??
          volume.persistentVolumeClaim?.claimName;
        expect(known(refers), `${name}: ${refers}`).toBe(true);
      }
      expect(known(spec.serviceAccountName), `${name}: ${spec.serviceAccountName}`).toBe(true);
      for (const container of containersOf(spec))
        for (const { valueFrom } of container.env ?? [])
          expect(known(valueFrom?.secretKeyRef?.name), name).toBe(true);
    }
  });

  it('gives programs only flags that they have, and mounted files only where they are mounted', () => {
    const program = createProgram(createSampleEnvironment(), () => undefined);
    for (const { name, spec } of chart().pods())
      for (const { command, args = [], volumeMounts = [] } of containersOf(spec)) {
        if (command[0] !== 'bivdiff') continue;
        let at = program;
        for (const word of args as string[]) {
          const below = at.commands.find((one) => one.name() === word);
          if (below === undefined) break;
          at = below;
        }
        const known = at.options.flatMap(({ long }) => (long === undefined ? [] : [long]));
        const given = (args as string[]).filter((word) => word.startsWith('--'));
        expect(known, `${name}: ${args[0]}`).toEqual(expect.arrayContaining([...new Set(given)]));
        for (const path of (args as string[]).filter((word) => word.startsWith('/run/')))
          expect(
            volumeMounts.some((mount: Yaml) => path.startsWith(`${mount.mountPath}/`)),
            path,
          ).toBe(true);
      }
  });

  it('probes by HTTP or TCP, and never asks liveness for what loads', () => {
    for (const { name, spec } of chart().pods()) {
      for (const { livenessProbe, startupProbe } of spec.containers as Yaml[]) {
        if (spec.restartPolicy === 'Never') continue;
        expect(startupProbe, name).toBeDefined();
        if (livenessProbe.httpGet !== undefined) expect(livenessProbe.httpGet.path).toBe('/livez');
      }
    }
  });
});

it('all are valid to the API, field by field', async () => {
  const paths: string[] = [];
  for (const [file, { objects }] of rendered) {
    const path = join(folder, `${file}.out.yaml`);
    await writeFile(path, objects.map((one) => stringify(one)).join('---\n'));
    paths.push(path);
  }
  const schemas = join(folder, 'schemas', SCHEMA_NAME);
  // Once for all of them: most of its time goes into the schemas.
  const words = ['-strict', '-summary', '-schema-location', schemas];
  const { stdout } = await run(await findProgram('kubeconform'), [...words, ...paths]).catch(
    // What it finds, it tells there too.
    (reason: unknown) => reason as { stdout: string },
  );
  const count = [...rendered.values()].reduce((sum, { objects }) => sum + objects.length, 0);
  expect(stdout).toContain(`Valid: ${count}, Invalid: 0, Errors: 0, Skipped: 0`);
});

it('the default asks for what docs/kubernetes.md says', async () => {
  const asked = { cpu: 0, memory: 0 };
  for (const { kind, spec } of rendered.get('default')!.objects) {
    if (kind !== 'Deployment' && kind !== 'StatefulSet') continue;
    for (const { resources } of spec.template.spec.containers as Yaml[]) {
      const { cpu, memory } = resources.requests;
      // Where a scaler has the number: its min, which is 1.
      const pods = spec.replicas ?? 1;
      asked.cpu += pods * (cpu.endsWith('m') ? parseInt(cpu, 10) / 1000 : Number(cpu));
      asked.memory +=
        pods * (memory.endsWith('Mi') ? parseInt(memory, 10) / 1024 : parseInt(memory, 10));
    }
  }
  const text = await readFile(join(CHART, '../../docs/kubernetes.md'), 'utf8');
  expect(text).toContain(`${asked.cpu} CPUs and ${asked.memory} GiB`);
});

function fits(labels: Readonly<Record<string, string>>, selector: Record<string, string>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
