// What the commands need of a farm, local today and remote later: accept a spec, foresee it, render it, fetch the
// results. local-farm.ts provides it inside this process.

import type { FailureJson } from '../common/errors.ts';
import type { ClipMetrics } from '../common/measures.ts';
import type { RenderSpec } from '../recipes/spec/schema.ts';
import type { ModelSet } from '../common/models/model-set.ts';
import type { Store, StoreUpkeep } from '../common/store/ports.ts';
import type { JobId, Stage } from '../common/task.ts';
import type { SourceFacts } from '../coordinator/domain/check-sources.ts';
import type { JobOutput } from '../coordinator/jobs/manifest.ts';
import type { AcceptedJob } from '../recipes/job.ts';
import type { RequestDraft } from './request/render-request.ts';
import type { RequestProblem } from './request/request-problems.ts';

/** Looks at what requests name. Puts nothing anywhere. */
export interface RequestLook {
  /**
   * What is wrong with a request besides what its draft tells, as `field: what`.
   * @throws BivdiffError — anything that is not wrong with the request
   */
  problemsOf(
    draft: Pick<RequestDraft, 'request' | 'unknown'>,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly RequestProblem[]>;
}

export interface Farm {
  readonly store: Store & StoreUpkeep;
  /**
   * Checks a spec against its source and its models, puts the source into the store and the accepted job under its id.
   * @throws BivdiffError — one, naming every problem
   */
  accept(spec: RenderSpec, options?: AcceptOptions): Promise<Accepted>;
  /** What rendering it would run, and what the store has already. Runs nothing. */
  foresee(accepted: Accepted): Promise<Forecast>;
  /**
   * Renders until every output is in the store. Stops within one step when the signal aborts.
   * @throws cancelled — nothing committed is lost
   */
  render(accepted: Accepted, options: RenderOptions): Promise<RenderResult>;
  close(): Promise<void>;
}

export interface AcceptOptions {
  readonly signal?: AbortSignal;
  /** Told, while cuts of the source are looked for, of how many of its frames they are known. */
  readonly onCutSearch?: (done: number, total: number) => void;
}

export interface Accepted {
  readonly jobId: JobId;
  readonly job: AcceptedJob;
  readonly spec: RenderSpec;
  readonly models: ModelSet;
  readonly source: SourceFacts;
  /** Those that the spec names beside it, by name. */
  readonly sources: Readonly<Record<string, SourceFacts>>;
}

export interface RenderOptions {
  /** Nothing is rendered after it: models are released as soon as stages that follow each other have done with them. @default false */
  readonly isLast?: boolean;
  readonly signal?: AbortSignal;
  /** Called on the main thread at every change; keep it short. */
  readonly onProgress?: (progress: RenderProgress) => void;
}

export interface StageProgress {
  readonly stage: Stage;
  readonly total: number;
  /** Committed by this run. */
  readonly run: number;
  /** Found in the store. */
  readonly reused: number;
  /** Running now, each with its step. */
  readonly running: readonly { readonly step: number; readonly steps: number }[];
}

export interface RenderProgress {
  readonly stages: readonly StageProgress[];
  /** 0..1, by estimated cost. */
  readonly fraction: number;
  /** Undefined until there is something to judge by. */
  readonly secondsLeft: number | undefined;
  /** Of a farm: workers that are not there, in words. */
  readonly waitingFor?: string;
  /** Where the store has no room for results, which are then tried for again until it has. @default it has */
  readonly withoutRoom?: WithoutRoom | undefined;
}

export interface WithoutRoom {
  /** How many have no room. */
  readonly tasks: number;
  /** What the store said last, and what can be done. */
  readonly failure: FailureJson;
}

export interface TaskCounts {
  readonly run: number;
  readonly reused: number;
  readonly byStage: Readonly<
    Partial<Record<Stage, { readonly run: number; readonly reused: number }>>
  >;
}

/** One bar of a trace: what ran when on which slot; Chrome's trace-event format is made of these. */
export interface TraceSpan {
  readonly stage: Stage;
  readonly taskId: string;
  readonly worker: string;
  readonly slot: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface RenderResult {
  readonly jobId: JobId;
  readonly outputs: readonly JobOutput[];
  readonly metrics: ClipMetrics;
  readonly tasks: TaskCounts;
  /** Wall seconds of the tasks that ran, summed by stage. */
  readonly secondsByStage: Readonly<Partial<Record<Stage, number>>>;
  readonly seconds: number;
  /** What made the outputs: job, digests, versions, costs, by task. Plain JSON. */
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly trace: readonly TraceSpan[];
}

export interface Forecast {
  readonly jobId: JobId;
  readonly tasks: Readonly<
    Partial<Record<Stage, { readonly total: number; readonly inStore: number }>>
  >;
  /** From what the store's earlier renders with the same models took, at whatever size, else undefined. */
  readonly secondsEstimated: number | undefined;
  /** The most that the process takes. */
  readonly memoryBytesEstimated: number;
  /** The most while a stage runs graphs, with what stays loaded of those before. */
  readonly memoryBytesByStage: Readonly<Partial<Record<Stage, number>>>;
  readonly diskBytesEstimated: number;
}

export interface FarmOptions {
  /** A folder, or a URL that `openStore` takes. */
  readonly storeFolder: string;
  /** Where `models: NAME` of a spec is looked up when it is not a path; the shipped sets. */
  readonly modelsFolder: string;
  /** Tasks at once. */
  readonly slots: number;
  /** @default cores / slots, at least 1 */
  readonly threadsPerSlot?: number;
  /** Where graphs run, as `openDevice` takes it. @default cpu */
  readonly device?: string;
  /** That models and their runs may fill, in all slots. @default most of the device */
  readonly memoryBytes?: number;
}
