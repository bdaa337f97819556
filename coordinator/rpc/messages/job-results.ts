// What a finished job shows of its manifest. A manifest of a long sequence has megabytes: what is shown of it is small, and remembered.

import type { JobOutput, Metric, StageCounts } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Store } from '../../../common/store/ports.ts';
import type { JobFacts } from '../../jobs/job-log.ts';
import type { JobView } from '../../jobs/known-jobs.ts';
import { readManifest } from '../../jobs/manifest.ts';
import type { Manifest } from '../../jobs/manifest.ts';

/** Jobs of which it is remembered. */
const REMEMBERED_MAX = 256;
/** An output of more files than this names none of them: their number is bounded by the job only. */
const ARTIFACTS_NAMED_MAX = 256;

export interface JobResults {
  readonly stages: StageCounts[];
  readonly outputs: JobOutput[];
  readonly metrics: Metric[];
}

const NOTHING: JobResults = { stages: [], outputs: [], metrics: [] };

export class ResultsOfJobs {
  readonly #store: Store;
  /** By what its log amounts to: a job that is deleted and rendered again has another. */
  readonly #known = new Map<JobFacts, JobResults>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Of a job that is done; of others, and of one whose manifest is gone, nothing. */
  async of({ jobId, state, facts }: JobView): Promise<JobResults> {
    if (state !== 'done') return NOTHING;
    const known = this.#known.get(facts);
    if (known !== undefined) return known;
    const manifest = await readManifest(this.#store, jobId);
    if (manifest === undefined) return NOTHING;
    const results = resultsOf(manifest);
    this.#known.set(facts, results);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > REMEMBERED_MAX) this.#known.delete(oldest);
    return results;
  }
}

function resultsOf({ stages, outputs, metrics }: Manifest): JobResults {
  return {
    stages: Object.entries(stages).map(([stage, { tasks, run, reused }]) => {
      return { stage, total: tasks, run, reused, running: [] };
    }),
    outputs: outputs.map(({ params: { layout, format }, artifacts }) => {
      const isNamed = artifacts.length <= ARTIFACTS_NAMED_MAX;
      const named = (isNamed ? artifacts : []).map(({ digest, bytes, type }) => {
        return { digest, bytes, type };
      });
      return { layout, format, artifacts: named, artifactCount: artifacts.length };
    }),
    metrics: Object.entries(flatten(metrics)).map(([name, value]) => ({ name, value })),
  };
}

/** `{ flicker: { generated: 1 } }` as `flicker.generated`: 1. What is not a number is left out. */
function flatten(value: unknown, prefix = ''): Record<string, number> {
  if (typeof value === 'number') return { [prefix]: value };
  if (typeof value !== 'object' || value === null) return {};
  const parts = Object.entries(value).map(([name, inner]) =>
    flatten(inner, prefix === '' ? name : `${prefix}.${name}`),
  );
  return Object.assign({}, ...parts) as Record<string, number>;
}
