// What is not memo about a job: that it was submitted, paused, cancelled, that it failed, how urgent it is. A log of
// entries in the store, entry n put if absent; coordinators come and go, the log stays.

import { BivdiffError } from '../common/errors.ts';
import type { FailureJson } from '../common/errors.ts';
import type { Store } from '../common/store/ports.ts';
import type { JobId } from '../common/task.ts';

/**
 * - `queued`: accepted, not begun by this coordinator
 * - `running`: tasks of it are published
 * - `paused`: nothing of it is published until somebody resumes it
 * - `done`, `failed`, `cancelled`: over; resuming a failed or cancelled one begins again where it was
 */
export type JobState = 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

export type JobLogEntry = { readonly atMs: number } & (
  | {
      readonly kind: 'submitted';
      readonly name: string;
      readonly priority: number;
      readonly owner?: string;
    }
  /** Another owner has submitted the same render: they may see it, and fetch what it makes. */
  | { readonly kind: 'joined'; readonly owner: string }
  | { readonly kind: 'resumed' | 'paused' | 'cancelled' }
  | { readonly kind: 'failed'; readonly failure: FailureJson }
  | { readonly kind: 'done'; readonly seconds: number }
  | { readonly kind: 'priority'; readonly priority: number }
);

/** What a job's log amounts to. */
export interface JobFacts {
  readonly state: Exclude<JobState, 'running'>;
  readonly name: string;
  readonly priority: number;
  /** Whose it is: who submitted it, or began it again; empty: nobody's. */
  readonly owner: string;
  /** All who have ever submitted it. */
  readonly owners: readonly string[];
  readonly submittedAtMs: number;
  readonly failure: FailureJson | undefined;
  readonly seconds: number;
}

/** Somebody else, a coordinator that is going or a new one, may write entries too; more than this is odd. */
const TRIES_MAX = 16;

export class JobLog {
  readonly #store: Store;
  readonly #jobId: JobId;
  #entries = 0;
  #facts: JobFacts | undefined;

  constructor(store: Store, jobId: JobId) {
    this.#store = store;
    this.#jobId = jobId;
  }

  /** Undefined for a job that was never submitted. */
  get facts(): JobFacts | undefined {
    return this.#facts;
  }

  /** Reads what was written since. */
  async read(): Promise<void> {
    for (;;) {
      const bytes = await this.#store.getDocument(this.#nameOf(this.#entries));
      if (bytes === undefined) return;
      this.#take(JSON.parse(Buffer.from(bytes).toString()) as JobLogEntry);
    }
  }

  /** Writes one entry, after all that others have written. @throws aborted — others keep writing */
  async append(entry: JobLogEntry): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(entry));
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const put = await this.#store.putDocument(this.#nameOf(this.#entries), bytes);
      if (put === 'created') {
        this.#take(entry);
        return;
      }
      await this.read();
    }
    throw new BivdiffError('aborted', `the log of job ${this.#jobId}: others keep writing it`);
  }

  #take(entry: JobLogEntry): void {
    this.#entries += 1;
    this.#facts = applyEntry(this.#facts, entry);
  }

  #nameOf(index: number): { readonly kind: 'job-event'; readonly id: string } {
    return { kind: 'job-event', id: `${this.#jobId}/${String(index).padStart(6, '0')}` };
  }
}

/** Ids of all jobs that were ever submitted to this store. */
export async function submittedJobs(store: Store): Promise<readonly JobId[]> {
  const names = await store.listDocuments('job-event');
  return [...new Set(names.map(({ id }) => id.slice(0, id.indexOf('/')) as JobId))];
}

function applyEntry(facts: JobFacts | undefined, entry: JobLogEntry): JobFacts | undefined {
  if (entry.kind === 'submitted' && facts === undefined) {
    const { name, priority, atMs, owner = '' } = entry;
    const nothingYet = { failure: undefined, seconds: 0 } as const;
    const whose = { owner, owners: [owner] };
    return { state: 'queued', name, priority, ...whose, submittedAtMs: atMs, ...nothingYet };
  }
  if (facts === undefined) return undefined;
  switch (entry.kind) {
    case 'submitted':
      return {
        ...facts,
        name: entry.name,
        priority: entry.priority,
        owner: entry.owner ?? facts.owner,
        owners: joined(facts.owners, entry.owner),
        state: 'queued',
        failure: undefined,
      };
    case 'joined':
      return { ...facts, owners: joined(facts.owners, entry.owner) };
    case 'resumed':
      return { ...facts, state: 'queued', failure: undefined };
    case 'priority':
      return { ...facts, priority: entry.priority };
    case 'failed':
      return { ...facts, state: 'failed', failure: entry.failure };
    case 'done':
      return { ...facts, state: 'done', seconds: entry.seconds };
    case 'paused':
    case 'cancelled':
      return { ...facts, state: entry.kind };
  }
}

function joined(owners: readonly string[], owner: string | undefined): readonly string[] {
  return owner === undefined || owners.includes(owner) ? owners : [...owners, owner];
}
