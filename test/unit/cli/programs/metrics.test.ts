import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CoordinatorMetrics } from '../../../../cli/programs/metrics/coordinator-metrics.ts';
import type { LedFarm } from '../../../../cli/programs/metrics/coordinator-metrics.ts';
import { METRICS, metricsOf } from '../../../../cli/programs/metrics/metric-list.ts';
import type { MetricFacts, MetricName } from '../../../../cli/programs/metrics/metric-list.ts';
import { observed } from '../../../../cli/programs/metrics/observed.ts';
import { WorkerMetrics } from '../../../../cli/programs/metrics/worker-metrics.ts';
import { withMetricTables } from '../../../../cli/reference/metric-reference.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { PROTOCOL_VERSION } from '../../../../common/protocol-version.ts';
import type { Pool, TaskId } from '../../../../common/task.ts';
import type { WorkerStatus } from '../../../../common/worker-status.ts';
import { TaskCounts } from '../../../../coordinator/domain/work/task-counts.ts';
import { classesNamed } from '../../../support/jobs.ts';
import { findPromtool, promtoolProblems } from '../../../support/promtool.ts';

const promtool = findPromtool();

function status(name: string, changes: Partial<WorkerStatus> = {}): WorkerStatus {
  const pools: Pool[] = ['idm'];
  return {
    ...{ protocol: PROTOCOL_VERSION, name, pools, slots: 2, pid: 1, host: 'h', running: [] },
    ...{ numerics: classesNamed('x'), memoryBytes: 1, draining: false, committed: 0 },
    ...{ gathered: { hits: 0, misses: 0, fallbacks: 0 }, leaving: false, ...changes },
  };
}

function farm(): LedFarm {
  const tasks = new TaskCounts();
  tasks.add('smooth', 'ready', 7);
  const jobs = new Map([['running', 3]] as const);
  return {
    numbers: { jobs, tasks, workSeconds: new Map([['vdm', 12.5]]) },
    workers: [
      status('a', { running: ['1', '2', '3'] as TaskId[] }),
      status('b', { pools: ['idm', 'vdm'] }),
      status('c', { draining: true }),
      status('d', { protocol: PROTOCOL_VERSION + 1 }),
    ],
    malformed: new Map([['event', 4]]),
  };
}

/** A coordinator's text after something of everything. */
async function coordinatorText(): Promise<string> {
  const metrics = new CoordinatorMetrics();
  metrics.lead(farm);
  metrics.note({ kind: 'committed', stage: 'smooth', seconds: 3 });
  metrics.note({ kind: 'failed', stage: 'smooth', code: 'unavailable' });
  metrics.note({ kind: 'lost', stage: 'mix' });
  metrics.note({ kind: 'diverged', stage: 'mix' });
  metrics.registry.failuresOf('bivdiff_store_errors_total')(new BivdiffError('data-loss', 'x'));
  metrics.registry.failuresOf('bivdiff_bus_errors_total')(new BivdiffError('unavailable', 'x'));
  const text = await metrics.registry.text();
  metrics.registry.close();
  return text;
}

/** The same of a worker. */
async function workerText(): Promise<string> {
  const metrics = new WorkerMetrics();
  metrics.follow(() => ({
    ...{ slots: 2, running: 5, draining: true, gathered: { hits: 3, misses: 2, fallbacks: 1 } },
    stepBytes: { own: 5, peer: 4 },
    loads: [{ warm: { aa: 250, bb: 750 } as Record<string, number>, loadedBytes: 2_000 }],
    malformed: new Map([['cancel', 1]]),
  }));
  metrics.settled('smooth', { outcome: 'committed', seconds: 3 });
  metrics.settled('smooth', { outcome: 'stopped' });
  metrics.leaseLost();
  metrics.checkpoint('written');
  metrics.registry.failuresOf('bivdiff_store_errors_total')(new BivdiffError('data-loss', 'x'));
  metrics.registry.failuresOf('bivdiff_bus_errors_total')(new BivdiffError('unavailable', 'x'));
  const text = await metrics.registry.text();
  metrics.registry.close();
  return text;
}

/** Every series of a scrape: its metric's name in the list, and its labels. */
function seriesOf(text: string) {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, whole = '', labels = ''] = /^([a-z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
      const name = whole in METRICS ? whole : whole.replace(/_(bucket|sum|count)$/, '');
      const pairs = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)];
      return { name, labels: pairs.map(([, label = '', value = '']) => [label, value] as const) };
    });
}

const programs = [
  ['coordinator', coordinatorText],
  ['worker', workerText],
] as const;

describe.each(programs)('the metrics of a %s', (program, textOf) => {
  it('are those of the list, each of them, with labels of the list', async () => {
    const text = await textOf();
    const listed = new Map<string, MetricFacts>([...metricsOf(program), ...metricsOf('both')]);
    const seen = new Set<string>();
    for (const { name, labels } of seriesOf(text)) {
      seen.add(name);
      const facts = listed.get(name);
      expect(facts, name).toBeDefined();
      for (const [label, value] of labels) {
        if (label === 'le' && facts!.kind === 'histogram') continue;
        const values = facts!.labels?.[label];
        expect(values, `${name}{${label}}`).toBeDefined();
        if (typeof values !== 'string') expect(values, `${name}{${label}}`).toContain(value);
      }
    }
    expect([...seen].sort()).toEqual([...listed.keys()].sort());
  });

  it.skipIf(promtool === undefined)('pass promtool', async () => {
    expect(promtoolProblems(promtool!, await textOf())).toBe('');
  });
});

describe('the metrics of a coordinator', () => {
  it('count workers in each of their pools, and no slots of those that get no work', async () => {
    const text = await coordinatorText();
    expect(text).toContain('bivdiff_slots{pool="idm"} 4\n');
    expect(text).toContain('bivdiff_slots{pool="vdm"} 2\n');
    expect(text).toContain('bivdiff_slots{pool="any"} 4\n');
    expect(text).toContain('bivdiff_slots_busy{pool="idm"} 2\n');
    expect(text).toContain('bivdiff_workers{pool="idm",state="draining"} 1\n');
    expect(text).toContain('bivdiff_workers{pool="any",state="other-version"} 1\n');
    expect(text).toContain('bivdiff_queue_seconds{pool="vdm"} 12.5\n');
    expect(text).toContain('bivdiff_tasks{stage="smooth",state="ready"} 7\n');
  });

  it('of one that follows are those of a program alone', async () => {
    const metrics = new CoordinatorMetrics();
    const text = await metrics.registry.text();
    metrics.registry.close();
    expect(text).toContain('bivdiff_leader 0\n');
    const ofFarm = metricsOf('coordinator').filter(([name]) => name !== 'bivdiff_leader');
    const names = new Set(seriesOf(text).map(({ name }) => name));
    expect(ofFarm.filter(([name]: readonly [MetricName, unknown]) => names.has(name))).toEqual([]);
  });

  it('count what is kept elsewhere once, however often they are read', async () => {
    const metrics = new CoordinatorMetrics();
    metrics.lead(farm);
    await metrics.registry.text();
    const text = await metrics.registry.text();
    metrics.registry.close();
    expect(text).toContain('bivdiff_malformed_messages_total{kind="event"} 4\n');
  });
});

describe('docs/observability.md', () => {
  it('has the tables that the list gives', async () => {
    const path = join(import.meta.dirname, '../../../../docs/observability.md');
    const document = await readFile(path, 'utf8');
    expect(document, 'run: npm run generate').toBe(withMetricTables(document));
    expect(document).toContain('`bivdiff_queue_seconds`');
  });
});

describe('an observed object', () => {
  class Things {
    readonly #secret = 7;
    async get(): Promise<number> {
      return this.#secret;
    }
    async fail(code: 'unavailable' | 'cancelled'): Promise<void> {
      throw new BivdiffError(code, 'x');
    }
    async *pieces(): AsyncGenerator<number> {
      yield 1;
      throw new BivdiffError('data-loss', 'x');
    }
  }

  it('does as before, and its failures are heard of once, stops left out', async () => {
    const heard: string[] = [];
    const things = observed(new Things(), ({ code }) => heard.push(code));
    expect(await things.get()).toBe(7);
    await expect(things.fail('unavailable')).rejects.toThrow('x');
    await expect(things.fail('cancelled')).rejects.toThrow('x');
    const got: number[] = [];
    const read = async (): Promise<void> => {
      for await (const piece of things.pieces()) got.push(piece);
    };
    await expect(read()).rejects.toThrow('x');
    expect({ heard, got }).toEqual({ heard: ['unavailable', 'data-loss'], got: [1] });
  });
});
