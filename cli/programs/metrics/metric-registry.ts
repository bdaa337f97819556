// The metrics of one program, as prom-client keeps them: made of the list, so that none is served that is not in it.

import { monitorEventLoopDelay } from 'node:perf_hooks';

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { BivdiffError } from '../../../common/errors.ts';
import { PROTOCOL_VERSION } from '../../../common/protocol-version.ts';
import { programVersions } from '../../versions.ts';
import { metricsOf } from './metric-list.ts';
import type { MetricName } from './metric-list.ts';

type Labels = Readonly<Record<string, string>>;

/** From a task of JavaScript alone to a window of a large video model. */
const SECONDS_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
const LOOP_RESOLUTION_MS = 20;

export class MetricRegistry {
  readonly #registry = new Registry();
  readonly #metrics = new Map<MetricName, Gauge | Counter | Histogram>();
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #refreshers: (() => void)[] = [];

  constructor(program: 'coordinator' | 'worker') {
    for (const [name, { kind, help, labels }] of [...metricsOf('both'), ...metricsOf(program)]) {
      const settings = { name, help, labelNames: Object.keys(labels ?? {}), registers: [] };
      const metric =
        kind === 'gauge'
          ? new Gauge(settings)
          : kind === 'counter'
            ? new Counter(settings)
            : new Histogram({ ...settings, buckets: SECONDS_BUCKETS });
      this.#metrics.set(name, metric);
      this.#registry.registerMetric(metric);
    }
    const { bivdiff: version = '', node = '' } = programVersions();
    this.set('bivdiff_build_info', 1, { version, protocol: String(PROTOCOL_VERSION), node });
    this.set('process_start_time_seconds', Math.round(Date.now() / 1000 - process.uptime()));
    this.#loop.enable();
    this.onScrape(() => {
      this.#refreshProcess();
    });
  }

  /** `refresh` is called before each scrape: it sets what is known then. */
  onScrape(refresh: () => void): void {
    this.#refreshers.push(refresh);
  }

  set(name: MetricName, value: number, labels: Labels = {}): void {
    (this.#metrics.get(name) as Gauge).set(labels, value);
  }

  count(name: MetricName, labels: Labels = {}, by = 1): void {
    (this.#metrics.get(name) as Counter).inc(labels, by);
  }

  /** Of a counter that is kept elsewhere: what it stands at. */
  countTo(name: MetricName, total: number, labels: Labels = {}): void {
    const counter = this.#metrics.get(name) as Counter;
    counter.remove(labels);
    counter.inc(labels, total);
  }

  observe(name: MetricName, value: number, labels: Labels = {}): void {
    (this.#metrics.get(name) as Histogram).observe(labels, value);
  }

  /** Counts what goes wrong with a store or bus. */
  failuresOf(name: 'bivdiff_store_errors_total' | 'bivdiff_bus_errors_total') {
    return ({ code }: BivdiffError): void => {
      this.count(name, { code });
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus' text. */
  async text(): Promise<string> {
    for (const refresh of this.#refreshers) refresh();
    return this.#registry.metrics();
  }

  close(): void {
    this.#loop.disable();
  }

  #refreshProcess(): void {
    const { user, system } = process.cpuUsage();
    this.countTo('process_cpu_seconds_total', (user + system) / 1e6);
    this.set('process_resident_memory_bytes', process.memoryUsage.rss());
    // It measures its own timer, which is late by its resolution at least.
    const lateMs = this.#loop.max / 1e6 - LOOP_RESOLUTION_MS;
    this.set('bivdiff_event_loop_delay_seconds', Math.max(0, lateMs) / 1000);
    this.#loop.reset();
  }
}
