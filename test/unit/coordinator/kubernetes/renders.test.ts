// Renders without a cluster: what is decided, what their status says, what the definition has of spec files.

import { describe, expect, it } from 'vitest';

import { checkDefinition } from '../../../../coordinator/kubernetes/renders/check-definition.ts';
import { decide } from '../../../../coordinator/kubernetes/renders/decide.ts';
import { renderSchema } from '../../../../coordinator/kubernetes/renders/definition.ts';
import { FINALIZER, readRender } from '../../../../coordinator/kubernetes/renders/resource.ts';
import type { Render, RenderStatus } from '../../../../coordinator/kubernetes/renders/resource.ts';
import {
  changeOf,
  durationText,
  statusOf,
} from '../../../../coordinator/kubernetes/renders/status.ts';
import type { SeenJob, Standing } from '../../../../coordinator/kubernetes/renders/status.ts';
import { anyRecipeSchema } from '../../../../recipes/spec/schema.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const ON_FARM: RenderStatus = { jobId: 'j', submittedAt: '2026-01-02T03:00:00Z' };

const render = (more: Partial<Render> = {}): Render => ({
  ...{ name: 'clip', uid: more.name ?? 'u', resourceVersion: '1', generation: 2, isLeaving: false },
  ...{ finalizers: [FINALIZER], source: { path: 'a.mp4' }, sources: {} },
  ...{ settings: {}, priority: 50 },
  ...{ isSuspended: false, ttlSeconds: undefined, status: ON_FARM },
  ...more,
});
const job = (more: Partial<SeenJob> = {}): SeenJob => ({
  ...{ jobId: 'j', state: 'running', priority: 50, isOurs: true, fraction: 0.426 },
  ...{ secondsLeft: 200, gpuSeconds: 12.4, tasks: 30, waitingFor: '', failure: undefined },
  ...more,
});
const decided = (renders: readonly Render[], of?: SeenJob, priorityMax = 100) =>
  decide({ renders, jobOf: (id) => (id === of?.jobId ? of : undefined), priorityMax, nowMs: NOW });
const told = (of: Render, standing: Standing): Record<string, unknown> => {
  const { conditions, ...rest } = statusOf(of, standing, NOW);
  const words = conditions!.map(({ type, status, reason }) => [type, `${status} ${reason}`]);
  return { ...rest, ...(Object.fromEntries(words) as Record<string, string>) };
};

describe('what is decided', () => {
  it.each([
    ['a new one', render({ status: {} }), true],
    ['a new one that is suspended', render({ status: {}, isSuspended: true }), true],
    ['one that was accepted', render({ status: { jobId: 'j' } }), true],
    ['the same, suspended', render({ status: { jobId: 'j' }, isSuspended: true }), false],
    ['one that was refused', render({ status: { finishedAt: '2026-01-01T00:00:00Z' } }), false],
    ['one that has a job', render(), false],
    ['one that leaves', render({ status: {}, isLeaving: true }), false],
  ])('%s is taken: see the table', (_, one, isTaken) => {
    expect(decided([one], job()).take).toEqual(isTaken ? [one] : []);
  });

  it('changes nothing of a job that is as its Render wants it', () => {
    expect(decided([render()], job()).jobs).toEqual([]);
    expect(decided([render({ isSuspended: true })], job({ state: 'paused' })).jobs).toEqual([]);
    expect(decided([render({ isSuspended: true })], job({ state: 'done' })).jobs).toEqual([]);
  });

  it('pauses a job when all its Renders rest, and has it go on when one does not', () => {
    const [a, b] = [render({ name: 'a', isSuspended: true }), render({ name: 'b' })];
    expect(decided([a, b], job()).jobs).toEqual([]);
    expect(decided([a], job()).jobs).toEqual([{ kind: 'pause', jobId: 'j' }]);
    expect(decided([a, b], job({ state: 'paused' })).jobs).toEqual([
      { kind: 'resume', jobId: 'j' },
    ]);
  });

  it('gives a job the highest priority of those that do not rest, within the bound', () => {
    const renders = [
      render({ name: 'a', priority: 90, isSuspended: true }),
      render({ name: 'b', priority: 70 }),
      render({ name: 'c', priority: 20 }),
    ];
    expect(decided(renders, job()).jobs).toEqual([{ kind: 'priority', jobId: 'j', priority: 70 }]);
    expect(decided(renders, job(), 50).jobs).toEqual([]);
  });

  it('leaves the job of another owner alone', () => {
    const others = job({ isOurs: false });
    expect(decided([render({ isSuspended: true, priority: 1 })], others).jobs).toEqual([]);
    expect(decided([render({ isLeaving: true })], others)).toMatchObject({ jobs: [] });
  });

  it('cancels the job of one that leaves, unless it is over or another has it', () => {
    const leaving = render({ isLeaving: true });
    expect(decided([leaving], job())).toMatchObject({
      jobs: [{ kind: 'cancel', jobId: 'j' }],
      release: [leaving],
    });
    expect(decided([leaving], job({ state: 'done' })).jobs).toEqual([]);
    expect(decided([leaving, render({ name: 'b' })], job()).jobs).toEqual([]);
    // It died between submitting and saying so.
    const untold = render({ isLeaving: true, status: { jobId: 'j' } });
    expect(decided([untold], job()).jobs).toEqual([{ kind: 'cancel', jobId: 'j' }]);
    // Others keep it, and we are done with it.
    expect(decided([render({ isLeaving: true, finalizers: ['x'] })], job()).release).toEqual([]);
  });

  it('removes what is over for as long as it shall be kept', () => {
    const finished = (ttlSeconds?: number): Render =>
      render({ ttlSeconds, status: { ...ON_FARM, finishedAt: '2026-01-02T03:04:00Z' } });
    expect(decided([finished(5)]).remove).toHaveLength(1);
    expect(decided([finished(6)]).remove).toEqual([]);
    expect(decided([finished()]).remove).toEqual([]);
    expect(decided([render({ ttlSeconds: 0 })], job()).remove).toEqual([]);
  });
});

describe('a status', () => {
  it('says how a job runs', () => {
    expect(told(render(), { kind: 'on-farm', job: job() })).toEqual({
      ...ON_FARM,
      ...{ observedGeneration: 2, state: 'Running', progress: '42%', eta: '3m20s' },
      ...{ priority: 50, gpuSeconds: 12 },
      ...{ Accepted: 'True Accepted', Planned: 'True Planned', Progressing: 'True Running' },
      ...{ Suspended: 'False NotSuspended', Complete: 'False Running', Failed: 'False NotFailed' },
    });
  });

  it.each<[string, Standing, object]>([
    [
      'waits for workers',
      { kind: 'on-farm', job: job({ tasks: undefined, waitingFor: 'workers: none is there' }) },
      { Progressing: 'False WaitingForWorkers', Planned: 'False WaitingForWorkers' },
    ],
    [
      'rests',
      { kind: 'on-farm', job: job({ state: 'paused' }) },
      { state: 'Suspended', Suspended: 'True Suspended', Progressing: 'False Suspended' },
    ],
    [
      'is done',
      { kind: 'on-farm', job: job({ state: 'done', fraction: 1, tasks: undefined }) },
      { state: 'Complete', Complete: 'True Complete', Planned: 'True Planned', progress: '100%' },
    ],
    [
      'has failed',
      {
        kind: 'on-farm',
        job: job({
          state: 'failed',
          failure: { code: 'data-loss', message: 'm', retry: 'never', details: {} },
        }),
      },
      { state: 'Failed', Failed: 'True DataLoss', finishedAt: '2026-01-02T03:04:05Z' },
    ],
    [
      'was cancelled',
      { kind: 'on-farm', job: job({ state: 'cancelled' }) },
      { Failed: 'True Cancelled' },
    ],
    ['was deleted', { kind: 'lost', jobId: 'j' }, { state: 'Failed', Failed: 'True JobDeleted' }],
    [
      'is refused',
      { kind: 'refused', why: 'all of it' },
      { state: 'Refused', Accepted: 'False Invalid', Failed: 'True NotAccepted' },
    ],
    [
      'cannot be decided yet',
      { kind: 'undecided', why: 'no store' },
      { state: 'Pending', Accepted: 'Unknown TryingAgain', Failed: 'False NotFailed' },
    ],
  ])('says that it %s', (_, standing, expected) => {
    expect(told(render(), standing)).toMatchObject(expected);
  });

  it('keeps when a condition became what it is, and when it was over', () => {
    const first = statusOf(render(), { kind: 'on-farm', job: job() }, NOW);
    const later = statusOf(
      render({ status: first }),
      { kind: 'on-farm', job: job({ state: 'done' }) },
      NOW + 60_000,
    );
    const since = Object.fromEntries(
      later.conditions!.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    );
    expect(since['Accepted']).toBe('2026-01-02T03:04:05Z');
    expect(since['Complete']).toBe('2026-01-02T03:05:05Z');
    const again = statusOf(
      render({ status: later }),
      { kind: 'on-farm', job: job({ state: 'done' }) },
      NOW + 120_000,
    );
    expect(changeOf(later, again)).toBe('no');
  });

  it('is told at once, but for what changes all the time', () => {
    const status = (more: Partial<SeenJob>): RenderStatus =>
      statusOf(render(), { kind: 'on-farm', job: job(more) }, NOW);
    expect(changeOf(status({}), status({}))).toBe('no');
    expect(changeOf(status({}), status({ fraction: 0.9 }))).toBe('numbers');
    expect(changeOf(status({}), status({ state: 'done' }))).toBe('yes');
  });

  it.each([
    [0.2, '1s'],
    [59, '59s'],
    [60, '1m0s'],
    [3_599, '59m59s'],
    [7_500, '2h5m'],
  ])('%d s are %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});

describe('the definition', () => {
  const settings = renderSchema().properties!['spec']!.properties!['render']!;

  it('has every setting of spec files, with their ranges', () => {
    const all = Object.keys(anyRecipeSchema.shape).filter(
      (name) => !['apiVersion', 'kind', 'name'].includes(name),
    );
    expect(Object.keys(settings.properties!).sort()).toEqual(all.sort());
    expect(settings.properties!['mixingRatio']).toMatchObject({ minimum: 0, maximum: 1 });
    expect(settings.properties!['size']).toMatchObject({ type: 'string' });
    expect(settings.properties!['input']!.properties).not.toHaveProperty('path');
  });

  it('has each further source beside the settings, not among them', () => {
    const spec = renderSchema().properties!['spec']!;
    const mask = spec.properties!['sources']!.properties!['mask']!;
    expect(Object.keys(mask.properties!)).toEqual(['path', 'video', 'folder']);
    expect(settings.properties!['mask']!.properties).toHaveProperty('rectangle');
    expect(settings.properties!['mask']!.properties).not.toHaveProperty('path');
  });

  it('has one shape of each field, the one that stored Renders have, also inside lists', () => {
    const { control, controls } = settings.properties!;
    expect(control!.properties!['scale']).toMatchObject({ type: 'number', maximum: 2 });
    expect(controls!.items!.properties!['scale']).toMatchObject({ type: 'string' });
    expect(JSON.stringify(settings)).not.toMatch(/anyOf|additionalProperties|"default"/);
  });

  it('is found to be older where fields are missing, or not to be there', () => {
    const kinds = { 'x-kubernetes-group-version-kind': [{ kind: 'Render' }] };
    const published = (properties: object) =>
      ({ components: { schemas: { r: { ...renderSchema(), ...kinds, ...properties } } } }) as never;
    expect(() => {
      checkDefinition(published({}));
    }).not.toThrow();
    const { spec } = renderSchema().properties!;
    const status = { properties: { conditions: { items: { properties: {} } } } };
    expect(() => {
      checkDefinition(published({ properties: { spec, status } }));
    }).toThrow(/lacks status\.observedGeneration.*status\.conditions\.reason.*status\.gpuSeconds/);
    expect(() => {
      checkDefinition({});
    }).toThrow('does not know Render');
  });
});

describe('a listed Render', () => {
  const listed = {
    metadata: { name: 'clip', uid: 'u', resourceVersion: '7', generation: 1 },
    spec: { source: { path: 'a.mp4' }, render: { task: 'frames' } },
  };

  it('is read, with what is left out', () => {
    expect(readRender(listed)).toMatchObject({
      ...{ name: 'clip', priority: 50, isSuspended: false, isLeaving: false },
      ...{ finalizers: [], status: {}, settings: { task: 'frames' } },
    });
    expect(readRender(listed).sources).toEqual({});
    const sources = { mask: { video: 'ab'.repeat(32) } };
    expect(readRender({ ...listed, spec: { ...listed.spec, sources } }).sources).toEqual(sources);
    const metadata = { ...listed.metadata, deletionTimestamp: '2026-01-02T03:04:05Z' };
    expect(readRender({ ...listed, metadata }).isLeaving).toBe(true);
  });

  it('is refused with its name and all that is wrong', () => {
    const broken = { ...listed, spec: { source: {}, priority: 'x' } };
    expect(() => readRender(broken)).toThrow(/Render clip: .*spec\.source.*spec\.render.*priority/);
  });
});
