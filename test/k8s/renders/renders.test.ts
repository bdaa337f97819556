// Goal: a Render that is applied becomes a clip, its status says how it stands, and whatever becomes of Render, job and coordinator, they stay
// together. Method: a real API server with the chart's definition and the chart's rights; a real coordinator and worker; kubectl as a user has it.

import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

import type { Schema } from '../../../coordinator/kubernetes/renders/definition.ts';
import { MASK } from '../../e2e/cli/workplace.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { died } from '../../support/farm/farm-program.ts';
import { sha256OfFile } from '../../support/farm/tenant-farm.ts';
import { openAuditLog } from '../../support/kubernetes/audit/audit-log.ts';
import { rightsOf, usedLines } from '../../support/kubernetes/audit/used-rights.ts';
import { kubectlOf } from '../../support/kubernetes/programs/kubectl.ts';
import {
  APPLY,
  CLIP,
  conditionsOf,
  definition,
  rulesOfRenders,
  useRenders,
} from '../../support/kubernetes/renders/render-place.ts';
import { until } from '../../support/kubernetes/until.ts';

/** It is on the farm, which has no workers. */
const OPEN = ['Queued', 'Running'];

const audit = await openAuditLog();
const { plane, reference, arrange } = useRenders({ flags: audit.flags });
afterAll(async () => audit[Symbol.asyncDispose]());

interface Definition {
  readonly spec: {
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
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
    expect(await farm.finish(status.jobId)).toBe(reference());
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
    expect(await farm.finish(jobId)).toBe(reference());
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
    await copyFile(CLIP, join(place.sources, 'clips/early.mp4'));
    await place.reaches('early', ...OPEN);
    expect(await place.farm.client.list()).toHaveLength(1);
  });
});

it('a Render names what was uploaded by its digest', async () => {
  const place = await arrange();
  const { farm } = place;
  const upload = async (...words: string[]): Promise<CliRun> =>
    endOfCli(startCli(['upload', '--server', farm.server, ...words]));
  const answers = () =>
    farm.client.list().then(
      () => true,
      () => false,
    );
  await until('the coordinator that was started answers', answers);
  const said = await upload(CLIP);
  expect(said.stderr).toBe('');
  const [, video = ''] = /^video ([0-9a-f]{64}) {2}/.exec(said.stdout) ?? [];
  expect(video).toBe(await sha256OfFile(CLIP));
  await place.apply('by-digest', { source: { video } });
  await place.reaches('by-digest', ...OPEN);
  expect(await farm.client.list()).toHaveLength(1);
  // All that is wrong at once, and nothing is brought.
  const wrong = await upload('no-clip.mp4', CLIP, '/dev/null');
  expect(wrong.code).toBe(2);
  expect(wrong.stdout).toBe('');
  expect(wrong.stderr).toContain('no-clip.mp4: there is no such file or folder');
  expect(wrong.stderr).toContain('null is a device, not a file or folder');
});

it('a Render has a mask beside its source, and waits for it', async () => {
  const place = await arrange();
  const render = { task: 'inpainting', control: undefined, prompt: '' };
  await place.apply('masked', { render, sources: { mask: { path: 'mask.mp4' } } });
  const pending = await place.reaches('masked', 'Pending');
  expect(pending.status.conditions[0].message).toContain(
    'sources.mask.path: mask.mp4: there is no such file',
  );
  await copyFile(MASK, join(place.sources, 'mask.mp4'));
  await place.reaches('masked', ...OPEN);
  expect(await place.farm.client.list()).toHaveLength(1);
  await place.apply('bare', { render });
  const refused = await place.reaches('bare', 'Refused');
  expect(refused.status.conditions[0].message).toContain('mask.path: missing');
  // As a path of another task's.
  await place.apply('odd', { sources: { mask: { path: 'mask.mp4' } } });
  const odd = await place.reaches('odd', 'Refused');
  expect(odd.status.conditions[0].message).toContain('mask: is for task inpainting');
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
    Reflect.deleteProperty(spec!.properties!['source']!, 'x-kubernetes-validations');
    const { admin } = plane();
    expect((await kubectlOf(admin, ['replace', '-f', '-'], stringify(older))).err).toBe('');
    const path = '/openapi/v3/apis/bivdiff.dev/v1alpha1';
    await until('it is served', async () => {
      const { out } = await kubectlOf(admin, ['get', '--raw', path]);
      return !out.includes('gpuSeconds');
    });
    const place = await arrange();
    await place.apply('addressed', { source: { path: 'https://a/b.mp4' } });
    const said = await until('it says so', async () => {
      const lines = place.coordinator.log().split('\n');
      return lines.find((line) => line.includes('is older than this coordinator'));
    });
    expect(said).toContain('lacks spec.render.window, status.gpuSeconds');
    expect(said).toContain('--show-only templates/renders/definition.yaml | kubectl apply');
    expect((await kubectlOf(admin, APPLY, await definition())).code).toBe(0);
    await place.apply('star');
    await place.reaches('star', ...OPEN);
    const refused = await place.reaches('addressed', 'Refused');
    expect(refused.status.conditions[0].message).toContain(
      'https://a/b.mp4: addresses are not taken',
    );
    expect((await place.kubectl(['delete', 'render', 'addressed', '--timeout', '30s'])).code).toBe(
      0,
    );
  });

  it('has used every right to Renders that the chart gives it, and asked for no other', async () => {
    const granted = rightsOf(await rulesOfRenders()).filter((line) =>
      line.includes('bivdiff.dev/'),
    );
    const isUser = /^system:serviceaccount:renders-\d+:coordinator$/;
    const used = usedLines(await audit.read(), { isUser, granted });
    expect(granted).toHaveLength(4);
    expect(used.filter((line) => line.includes('bivdiff.dev/'))).toEqual(granted);
  });
});
