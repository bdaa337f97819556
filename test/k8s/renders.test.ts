// Goal: a Render that is applied becomes a clip, its status says how it stands, and whatever becomes of Render, job and coordinator, they stay
// together. Method: a real API server with the chart's definition and the chart's rights; a real coordinator and worker; kubectl as a user has it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { CoreV1Api, CustomObjectsApi, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { V1PolicyRule } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

import type { Schema } from '../../coordinator/kubernetes/renders/definition.ts';
import type { Condition, RenderStatus } from '../../coordinator/kubernetes/renders/resource.ts';
import type { FaultFarm } from '../support/farm/fault-farm.ts';
import { died } from '../support/farm/farm-program.ts';
import type { Program } from '../support/farm/farm-program.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import { CHART, renderChart, runHelm } from '../support/kubernetes/chart/render-chart.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';

const ROOT = join(import.meta.dirname, '../..');
const KUBECTL = 'kubectl';
/** It is on the farm, which has no workers. */
const OPEN = ['Queued', 'Running'];
const ENABLED = { renders: { enabled: true } };
/** As of JOB_FLAGS, whose bytes are known. */
const SETTINGS = {
  ...{ task: 'controlnet', control: { type: 'canny' }, input: { stride: 1 } },
  ...{ frames: 16, frameBatch: 2, steps: 3, mixingRatio: 0.5, seed: 7 },
  prompt: 'a green star moving right on a white background',
};

const plane = useControlPlane({}, async ({ admin }) => {
  const said = await kubectlOf(admin.kubeconfig, APPLY, await definition());
  expect(said.code, said.err).toBe(0);
});
const farmOf = useFarm();

const APPLY = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
/** As the coordinator says to make it. */
const definition = (): Promise<string> =>
  runHelm([
    ...['template', 'farm', CHART, '--set', 'renders.enabled=true'],
    ...['--show-only', 'templates/renders/definition.yaml'],
  ]);

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function kubectlOf(config: string, words: readonly string[], input = ''): Promise<Said> {
  const child = spawn(KUBECTL, [...words, '--kubeconfig', config]);
  child.stdin.end(input);
  const [out, err] = await Promise.all([
    ...[text(child.stdout), text(child.stderr)],
    child.exitCode ?? once(child, 'exit'),
  ]);
  return { code: child.exitCode, out: String(out), err: String(err) };
}

let namespaces = 0;

/** As the API server has it. */
interface Listed {
  readonly metadata: { readonly generation: number };
  readonly status: RenderStatus & {
    readonly jobId: string;
    readonly conditions: readonly [Condition, ...Condition[]];
  };
}

/** Of the spec of a Render, where that is another than most tests need. */
interface Spec {
  readonly render?: object;
  readonly [field: string]: unknown;
}

interface Definition {
  readonly spec: {
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

class Place {
  readonly namespace: string;
  readonly farm: FaultFarm;
  readonly #start: () => Program;
  coordinator: Program;

  constructor(namespace: string, farm: FaultFarm, start: () => Program) {
    this.namespace = namespace;
    this.farm = farm;
    this.#start = start;
    this.coordinator = start();
  }

  restart(): void {
    this.coordinator = this.#start();
  }

  get sources(): string {
    return join(this.farm.folder, 'sources');
  }

  kubectl(words: readonly string[], input?: string): Promise<Said> {
    return kubectl(this.namespace, words, input);
  }

  async apply(name: string, spec: Spec = {}): Promise<Said> {
    const said = await apply(this.namespace, name, spec);
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
    const { namespace } = this;
    const custom = plane().api(CustomObjectsApi);
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

function kubectl(namespace: string, words: readonly string[], input?: string): Promise<Said> {
  return kubectlOf(plane().admin.kubeconfig, [...words, '--namespace', namespace], input);
}

function apply(namespace: string, name: string, { render = {}, ...spec }: Spec): Promise<Said> {
  const object = {
    ...{ apiVersion: 'bivdiff.dev/v1alpha1', kind: 'Render', metadata: { name } },
    spec: { source: { path: 'source.mp4' }, render: { ...SETTINGS, ...render }, ...spec },
  };
  return kubectl(namespace, ['apply', '-f', '-'], stringify(object));
}

/** A namespace with the chart's account for coordinators, and a coordinator that serves its Renders. */
async function arrange({ without = '' } = {}): Promise<Place> {
  namespaces += 1;
  const namespace = `renders-${namespaces}`;
  await plane().createNamespace(namespace);
  const metadata = { name: 'coordinator' };
  await plane().api(CoreV1Api).createNamespacedServiceAccount({ namespace, body: { metadata } });
  const chart = await renderChart({ ...ENABLED, autoscaling: { by: 'none' } });
  const { rules } = chart.one('Role') as { rules: V1PolicyRule[] };
  const granted = rules.filter(({ resources }) => resources?.[0] !== without);
  const rbac = plane().api(RbacAuthorizationV1Api);
  await rbac.createNamespacedRole({ namespace, body: { metadata, rules: granted } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'coordinator' };
  const subjects = [{ kind: 'ServiceAccount', name: 'coordinator', namespace }];
  await rbac.createNamespacedRoleBinding({ namespace, body: { metadata, roleRef, subjects } });
  const access = await plane().serviceAccount(namespace, 'coordinator');
  const farm = await farmOf.start({ workers: 0 });
  farm.coordinator!.child.kill('SIGTERM');
  await died(farm.coordinator!);
  const sources = join(farm.folder, 'sources');
  await mkdir(sources);
  await copyFile(join(ROOT, 'examples/source.mp4'), join(sources, 'source.mp4'));
  const file = join(farm.folder, 'kubernetes.yaml');
  await writeFile(file, stringify({ namespace, renders: { priorityMax: 60, sources } }));
  const env = { KUBECONFIG: access.kubeconfig };
  const start = (): Program => farm.startCoordinator(undefined, { env }, ['--kubernetes', file]);
  return new Place(namespace, farm, start);
}

function conditionsOf({ status }: Listed): Readonly<Record<string, string>> {
  return Object.fromEntries(
    status.conditions.map(({ type, status: is, reason }) => [type, `${is} ${reason}`]),
  );
}

describe('a Render', () => {
  it('becomes a clip with the right bytes, once, and kubectl shows how it stands', async () => {
    const place = await arrange();
    const { farm } = place;
    await place.apply('star', { priority: 80 });
    await place.reaches('star', ...OPEN);
    await until('it says what it waits for', async () => {
      return conditionsOf(await place.get('star'))['Progressing'] === 'False WaitingForWorkers';
    });
    farm.startWorker('w1');
    const wait = ['wait', 'render/star', '--for', 'condition=Complete', '--timeout', '120s'];
    expect((await place.kubectl(wait)).code, place.coordinator.log()).toBe(0);
    const done = await place.get('star');
    expect(conditionsOf(done)).toEqual({
      Accepted: 'True Accepted',
      Planned: 'True Planned',
      Progressing: 'False Complete',
      Suspended: 'False NotSuspended',
      Complete: 'True Complete',
      Failed: 'False NotFailed',
    });
    const { status, metadata } = done;
    expect(status.observedGeneration).toBe(metadata.generation);
    expect(status.conditions[0].message).toBe(
      'priority: 60, the most that this farm gives to Renders',
    );
    expect(await farm.finish(status.jobId)).toBe(farmOf.reference());
    const { out } = await place.kubectl(['get', 'renders']);
    const [head = '', row = ''] = out.split('\n');
    expect(head.split(/\s+/)).toEqual([
      ...['NAME', 'STATE', 'PROGRESS', 'ETA', 'PRIORITY', 'GPU-S', 'AGE'],
    ]);
    // What is over has no ETA.
    expect(row).toMatch(/^star +Complete +100% +60 +[1-9]\d* +\d+[sm]/);

    // The same again is nothing new; the same under another name is the same job.
    expect((await place.apply('star', { priority: 80 })).out).toContain('unchanged');
    await place.apply('again', { ttlSecondsAfterFinished: 1 });
    await until('it is complete, and removed', () => place.isGone('again'));
    expect((await farm.client.list()).map(({ id }) => id)).toEqual([status.jobId]);
    const { code } = await place.kubectl(['delete', 'render', 'star', '--timeout', '30s']);
    expect(code).toBe(0);
    expect((await farm.client.get(status.jobId)).state).toBe('done');
  });

  it('rests while it is suspended, over the end of a coordinator, and goes on where it was', async () => {
    const place = await arrange();
    const { farm } = place;
    farm.startWorker('w1');
    await place.apply('later', { suspend: true });
    const suspended = await place.reaches('later', 'Suspended');
    expect(conditionsOf(suspended)).toMatchObject({
      Accepted: 'True Accepted',
      Suspended: 'True Suspended',
      Progressing: 'False Suspended',
    });
    expect(await farm.client.list()).toEqual([]);

    const begun = farm.next((event) => event.kind === 'started' && event.stage === 'encode');
    await place.patch('later', { suspend: false, priority: 20 });
    await begun;
    // Or it might be done before anybody can suspend it.
    await farm.killWorker('w1');
    await place.patch('later', { suspend: true });
    const paused = await place.reaches('later', 'Suspended');
    const { jobId } = paused.status;
    expect(await farm.client.get(jobId)).toMatchObject({ state: 'paused', priority: 20 });
    place.coordinator.child.kill('SIGKILL');
    await died(place.coordinator);
    place.restart();
    await place.patch('later', { suspend: false, priority: 30 });
    farm.startWorker('w2');
    const done = await place.reaches('later', 'Complete');
    expect(done.status.jobId).toBe(jobId);
    expect(done.status.priority).toBe(30);
    expect(await farm.finish(jobId)).toBe(farmOf.reference());
    // Nothing that was committed ran again.
    const runs = farm.events.filter(({ kind }) => kind === 'committed').map((one) => one.taskId);
    expect(runs.length - new Set(runs).size).toBe(0);
  });

  it('that is deleted takes its job with it, unless another has the same', async () => {
    const place = await arrange();
    const { farm } = place;
    for (const name of ['one', 'two']) await place.apply(name);
    const { status } = await place.reaches('one', ...OPEN);
    await place.reaches('two', ...OPEN);
    const stateOf = async (): Promise<string> => (await farm.client.get(status.jobId)).state;
    const remove = async (name: string): Promise<void> => {
      const said = await place.kubectl(['delete', 'render', name, '--timeout', '30s']);
      expect(said.code, said.err).toBe(0);
    };
    await remove('one');
    expect(['queued', 'running']).toContain(await stateOf());
    await remove('two');
    expect(await stateOf()).toBe('cancelled');
    // Applied again, it begins again.
    await place.apply('one');
    await place.reaches('one', ...OPEN);
    expect(['queued', 'running']).toContain(await stateOf());
    // Somebody else's end of it is told.
    await farm.client.cancel(status.jobId);
    expect(conditionsOf(await place.reaches('one', 'Failed'))['Failed']).toBe('True Cancelled');
  });

  it('that cannot be rendered says all that is wrong, and one whose source is not there waits for it', async () => {
    const place = await arrange();
    await place.apply('wrong', { render: { frames: 100_000, steps: 1000, videoModel: 'none' } });
    const refused = await place.reaches('wrong', 'Refused');
    const [accepted] = refused.status.conditions;
    expect(accepted).toMatchObject({ type: 'Accepted', status: 'False', reason: 'Invalid' });
    expect(accepted.message).toMatch(/frames/);
    expect(accepted.message).toMatch(/none/);
    expect(conditionsOf(refused)['Failed']).toBe('True NotAccepted');
    await place.apply('early', { source: { path: 'clips/early.mp4' } });
    const pending = await place.reaches('early', 'Pending');
    expect(pending.status.conditions[0]).toMatchObject({ status: 'Unknown' });
    expect(pending.status.conditions[0].message).toContain(
      'source.path: clips/early.mp4: there is no such file',
    );
    await mkdir(join(place.sources, 'clips'));
    await copyFile(join(ROOT, 'examples/source.mp4'), join(place.sources, 'clips/early.mp4'));
    await place.reaches('early', ...OPEN);
    expect(await place.farm.client.list()).toHaveLength(1);
  });
});

describe('the API server', () => {
  const namespace = 'refusals';
  const cases: readonly (readonly [string, Spec, string])[] = [
    ['a mixing ratio above 1', { render: { mixingRatio: 1.5 } }, 'spec.render.mixingRatio'],
    ['no steps', { render: { steps: 0 } }, 'spec.render.steps'],
    ['a window that is too long', { render: { window: 2000 } }, 'spec.render.window'],
    ['no frames a second', { render: { output: { framesPerSecond: 0 } } }, 'framesPerSecond'],
    ['an unknown task', { render: { task: 'dream' } }, 'supported values: "controlnet", "frames"'],
    ['a size in words', { render: { size: 'large' } }, 'spec.render.size'],
    [
      'a setting of another task',
      { render: { task: 'frames' } },
      'control: is for task controlnet',
    ],
    ['an unknown setting', { render: { promt: 'a' } }, 'unknown field "spec.render.promt"'],
    ['a priority above 100', { priority: 101 }, 'spec.priority'],
    ['no source', { source: {} }, 'give one of path, video and folder'],
    [
      'two sources',
      { source: { path: 'a.mp4', video: 'ab'.repeat(32) } },
      'give one of path, video and folder',
    ],
    ['a source that is none', { source: { video: 'clip' } }, 'spec.source.video'],
    ['an absolute path', { source: { path: '/etc/passwd' } }, 'below the folder of sources'],
    ['a path that leads out', { source: { path: 'a/../../b' } }, 'below the folder of sources'],
  ];

  it('takes what is right, and refuses what is out of range before it is stored', async () => {
    await plane().createNamespace(namespace);
    expect((await apply(namespace, 'right', { suspend: true })).err).toBe('');
    for (const [what, spec, sentence] of cases) {
      const { code, err } = await apply(namespace, 'wrong', spec);
      expect(code, what).toBe(1);
      expect(err, what).toContain(sentence);
    }
  });

  it('changes nothing of a Render but whether it is suspended, and its priority', async () => {
    expect((await apply(namespace, 'right', { suspend: false, priority: 3 })).err).toBe('');
    const immutable: readonly (readonly [Spec, string])[] = [
      [{ render: { seed: 8 } }, 'render is immutable'],
      [{ source: { path: 'other.mp4' } }, 'source is immutable'],
      [{ ttlSecondsAfterFinished: 5 }, 'ttlSecondsAfterFinished is immutable'],
    ];
    for (const [spec, sentence] of immutable) {
      const { code, err } = await apply(namespace, 'right', spec);
      expect(code, sentence).toBe(1);
      expect(err).toContain(sentence);
    }
  });
});

describe('the coordinator', () => {
  it('says which verb it lacks', async () => {
    const place = await arrange({ without: 'renders' });
    await until('it says so', async () =>
      place.coordinator.log().includes('must grant this account the verb list on renders'),
    );
    expect(place.coordinator.log()).toContain('rbac.create and renders.enabled');
  });

  it('says what to run where the definition is older, and goes on once it is new', async () => {
    const older = parse(await definition()) as Definition;
    const { spec, status } = older.spec.versions[0].schema.openAPIV3Schema.properties!;
    Reflect.deleteProperty(status!.properties!, 'gpuSeconds');
    Reflect.deleteProperty(spec!.properties!['render']!.properties!, 'window');
    const { admin } = plane();
    const replaced = await kubectlOf(admin.kubeconfig, ['replace', '-f', '-'], stringify(older));
    expect(replaced.code, replaced.err).toBe(0);
    const path = '/openapi/v3/apis/bivdiff.dev/v1alpha1';
    await until('it is served', async () => {
      const { out } = await kubectlOf(admin.kubeconfig, ['get', '--raw', path]);
      return !out.includes('gpuSeconds');
    });
    const place = await arrange();
    const said = await until('it says so', async () =>
      place.coordinator
        .log()
        .split('\n')
        .find((line) => line.includes('is older than this coordinator')),
    );
    expect(said).toContain('lacks spec.render.window, status.gpuSeconds');
    expect(said).toContain('--show-only templates/renders/definition.yaml | kubectl apply');
    expect((await kubectlOf(admin.kubeconfig, APPLY, await definition())).code).toBe(0);
    await place.apply('star');
    await place.reaches('star', ...OPEN);
  });
});
