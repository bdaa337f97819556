// What every peer of the cluster bench is given to do, and the form of the figures it hands back. The peers themselves get the
// jobs as JSON, so that there is one place that says how long a frame takes.

/** The staged graph, and the pools that work on it. */
export interface StagedGraph {
  readonly chunks: number;
  readonly framesPerChunk: number;
  readonly frameMs: number;
  readonly mixMs: number;
  readonly smoothMs: number;
  /** Slots of idm, mixer and vdm. */
  readonly pools: readonly [number, number, number];
}

export const STAGED_GRAPH: StagedGraph = {
  chunks: 15,
  framesPerChunk: 16,
  frameMs: 20,
  mixMs: 60,
  smoothMs: 200,
  pools: [8, 2, 2],
};

/** Thrown away before the measured runs, of every system: after so many the ones on Node have compiled all that they will. */
export const WARM_UP_RUNS = 12;

export interface NoopShape {
  readonly slots: number;
  /** Worker processes that share the slots. */
  readonly processes: number;
}

/** What a peer's own program is told. */
export interface PeerJobs {
  /** Tasks of one batch of no-ops; a first batch as large is thrown away. */
  readonly noopTasks: number;
  /** Batches that are measured. */
  readonly noopBatches: number;
  readonly noop: readonly NoopShape[];
  /** Tasks sent one at a time, the next when the caller knows the last one is done. */
  readonly latencySamples: number;
  readonly graph: StagedGraph;
  /** Runs of the graph, and of its frames alone, that are thrown away first: processes start, and code is compiled. */
  readonly warmUpRuns: number;
  /** Measured runs of each. */
  readonly runs: number;
}

export interface NoopFigures extends NoopShape {
  /** Median of `batches`. */
  readonly tasksPerSecond: number;
  /** Tasks per second of each warm batch. */
  readonly batches: readonly number[];
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
}

/** What a peer's own program prints: seconds of each task as the task measured them. */
export interface PeerReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly noop: readonly NoopFigures[];
  readonly staged: readonly {
    readonly makespanSeconds: number;
    readonly frames: readonly (readonly number[])[];
    readonly mixes: readonly number[];
    readonly smooths: readonly number[];
  }[];
  readonly frameParallel: readonly {
    readonly makespanSeconds: number;
    readonly frames: readonly number[];
  }[];
}

export interface GraphRun {
  readonly makespanSeconds: number;
  /** What no schedule could beat, by the tasks' own measured seconds (bound.ts). */
  readonly boundSeconds: number;
}

export type PeerResult =
  | { readonly system: string; readonly available: false; readonly why: string }
  | {
      readonly system: string;
      readonly available: true;
      readonly versions: Readonly<Record<string, string>>;
      readonly noop: readonly NoopFigures[];
      readonly staged: { readonly runs: readonly GraphRun[] };
      readonly frameParallel: { readonly runs: readonly GraphRun[] };
      readonly notes: readonly string[];
    };
