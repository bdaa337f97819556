// Every metric of the programs: its name, what it says, and which values its labels may take. Registries are made of it, and the table in
// docs/observability.md. Names and labels are a contract with dashboards, alerts and autoscalers: they change as the protos do.

import { ERROR_CODES } from '../../../common/errors.ts';
import { STAGES } from '../../../common/task.ts';
import { POOLS, WORKER_STATES } from '../../../coordinator/dispatch/census.ts';
import { TASK_STATES } from '../../../coordinator/domain/work/task-counts.ts';

export type MetricKind = 'gauge' | 'counter' | 'histogram';
export type MetricProgram = 'coordinator' | 'worker' | 'both';

export interface MetricFacts {
  readonly kind: MetricKind;
  readonly program: MetricProgram;
  /** One sentence, without its full stop. */
  readonly help: string;
  /** To each label the values that it may take; a text instead says what they are, where they are few but not known before. */
  readonly labels?: Readonly<Record<string, readonly string[] | string>>;
}

const JOB_STATES = ['queued', 'running', 'paused', 'done', 'failed', 'cancelled'];
const stage = STAGES;
const pool = POOLS;
const code = ERROR_CODES;
const kind = 'of a message: event, task, cancel, beat and the like';

export const METRICS = {
  bivdiff_build_info: {
    ...{ kind: 'gauge', program: 'both', help: '1, with the versions of this program' },
    labels: { version: 'of bivdiff', protocol: 'a number', node: 'of Node' },
  },
  bivdiff_store_errors_total: {
    ...{ kind: 'counter', program: 'both', help: 'Calls of the store that failed' },
    labels: { code },
  },
  bivdiff_bus_errors_total: {
    ...{ kind: 'counter', program: 'both', help: 'Calls of the bus that failed' },
    labels: { code },
  },
  bivdiff_malformed_messages_total: {
    ...{ kind: 'counter', program: 'both', help: 'Messages over NATS that fit no schema' },
    labels: { kind },
  },
  bivdiff_event_loop_delay_seconds: {
    ...{ kind: 'gauge', program: 'both' },
    help: 'Longest delay of the event loop since the last scrape',
  },
  bivdiff_leader: {
    ...{ kind: 'gauge', program: 'coordinator' },
    help: '1: this coordinator leads, and the others of its table are of its farm; 0: it follows, and has none of them',
  },
  bivdiff_jobs: {
    ...{ kind: 'gauge', program: 'coordinator', help: 'Jobs that are known' },
    labels: { state: JOB_STATES },
  },
  bivdiff_tasks: {
    ...{ kind: 'gauge', program: 'coordinator' },
    help: 'Tasks of active jobs that must run and are not done; of jobs that are queued they are not known yet',
    labels: { stage, state: TASK_STATES },
  },
  bivdiff_queue_seconds: {
    ...{ kind: 'gauge', program: 'coordinator' },
    help: 'Predicted seconds of one slot for all that is not committed, running tasks whole, queued jobs included; by how long the like took lately, else assumed',
    labels: { pool },
  },
  bivdiff_slots: {
    ...{ kind: 'gauge', program: 'coordinator' },
    help: 'Tasks that the workers of a pool can run at once; draining ones and those of another version left out',
    labels: { pool },
  },
  bivdiff_slots_busy: {
    ...{ kind: 'gauge', program: 'coordinator', help: 'Of these, those with a task' },
    labels: { pool },
  },
  bivdiff_workers: {
    ...{ kind: 'gauge', program: 'coordinator' },
    help: 'Workers heard of lately; one of several pools counts in each',
    labels: { pool, state: WORKER_STATES },
  },
  bivdiff_stage_seconds: {
    ...{ kind: 'histogram', program: 'coordinator' },
    help: 'What committed tasks took, from gathering to record, waiting for a slot left out',
    labels: { stage },
  },
  bivdiff_task_failures_total: {
    ...{ kind: 'counter', program: 'coordinator' },
    help: 'Attempts that failed; stopped ones are none',
    labels: { stage, code },
  },
  bivdiff_leases_lost_total: {
    ...{ kind: 'counter', program: 'coordinator' },
    help: 'Tasks whose worker was not heard of again, and that another has begun',
    labels: { stage },
  },
  bivdiff_divergences_total: {
    ...{ kind: 'counter', program: 'coordinator', help: 'Results with other bytes than the first' },
    labels: { stage },
  },
  bivdiff_worker_slots: {
    ...{ kind: 'gauge', program: 'worker', help: 'Tasks that it can run at once' },
  },
  bivdiff_worker_slots_busy: {
    ...{ kind: 'gauge', program: 'worker', help: 'Of these, those with a task' },
  },
  bivdiff_worker_draining: {
    ...{ kind: 'gauge', program: 'worker', help: '1 once it begins nothing more' },
  },
  bivdiff_worker_tasks_total: {
    ...{ kind: 'counter', program: 'worker' },
    help: 'Tasks that it had; reused: their result was there already; stopped: cancelled, or handed back',
    labels: { stage, outcome: ['committed', 'reused', 'failed', 'stopped'] },
  },
  bivdiff_worker_stage_seconds: {
    ...{ kind: 'histogram', program: 'worker' },
    help: 'What tasks took that it committed, from gathering to record, waiting for a slot left out',
    labels: { stage },
  },
  bivdiff_worker_leases_lost_total: {
    ...{ kind: 'counter', program: 'worker' },
    help: 'Tasks of which the bus would not extend the lease',
  },
  bivdiff_worker_models_loaded: {
    ...{ kind: 'gauge', program: 'worker', help: 'Graphs that its lanes have loaded, each lane' },
  },
  bivdiff_worker_models_loaded_bytes: {
    ...{ kind: 'gauge', program: 'worker', help: 'Weights of these' },
  },
  bivdiff_worker_model_load_seconds: {
    ...{ kind: 'gauge', program: 'worker', help: 'What loading these took, summed' },
  },
  bivdiff_worker_checkpoints_total: {
    ...{ kind: 'counter', program: 'worker', help: 'Checkpoints of long tasks' },
    labels: { outcome: ['written', 'failed'] },
  },
  bivdiff_worker_gathered_total: {
    ...{ kind: 'counter', program: 'worker' },
    help: 'Tensors read; peer: of the worker that made them; store: which serves them not, or no more; fallback: of the store, since the peer failed',
    labels: { from: ['peer', 'store', 'fallback'] },
  },
  bivdiff_worker_step_bytes_total: {
    ...{ kind: 'counter', program: 'worker' },
    help: 'Bytes of steps of windows that its tasks read; own: held here; peer: held by another worker',
    labels: { from: ['own', 'peer'] },
  },
  process_cpu_seconds_total: {
    ...{ kind: 'counter', program: 'both', help: 'Processor time, threads included' },
  },
  process_resident_memory_bytes: {
    ...{ kind: 'gauge', program: 'both', help: 'Main memory that it holds' },
  },
  process_start_time_seconds: {
    ...{ kind: 'gauge', program: 'both', help: 'When it began, in seconds since 1970' },
  },
} as const satisfies Readonly<Record<string, MetricFacts>>;

export type MetricName = keyof typeof METRICS;

/** In the order of the table. */
export function metricsOf(program: MetricProgram): readonly (readonly [MetricName, MetricFacts])[] {
  const all = Object.entries(METRICS) as readonly (readonly [MetricName, MetricFacts])[];
  return all.filter(([, facts]) => facts.program === program);
}
