// What is not memo about a job: that it was submitted, paused, cancelled, that it failed, how urgent it is. A log of
// entries in the store, entry n put if absent; coordinators come and go, the log stays.

import { BivdiffError } from '../../common/errors.ts';
import type { FailureJson } from '../../common/errors.ts';
import { passFailurePoint } from '../../common/failure-points/failure-point.ts';
import type { SourceNames } from '../../common/sources/source-name.ts';
import type { Store } from '../../common/store/ports.ts';
import type { JobId, Stage } from '../../common/task.ts';

/**
 * - `queued`: accepted, not begun by this coordinator
 * - `running`: tasks of it are published
 * - `paused`: nothing of it is published until somebody resumes it
 * - `done`, `failed`, `cancelled`: over; resuming a failed or cancelled one begins again where it was
 */
export type JobState = 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

/** How far a job has come, over all runs that were paused and resumed. */
export interface JobProgress {
  /** 0 to 1 of the work, by estimated cost. */
  readonly fraction: number;
  /** In pipeline order; empty where the job was never planned. */
  readonly stages: readonly {
    readonly stage: Stage;
    readonly total: number;
    readonly run: number;
    readonly reused: number;
  }[];
}

export type JobLogEntry = { readonly atMs: number } & (
  | {
      readonly kind: 'submitted';
      readonly name: string;
      readonly priority: number;
      readonly owner?: string;
      /** The source's name as who submitted it knows it, without its folder: errors call it so. */
      readonly source?: string;
      /** Those of further sources, by digest. */
      readonly otherSources?: Readonly<Record<string, string>>;
    }
  /** Another owner has submitted the same render: they may see it, and fetch what it makes. */
  | { readonly kind: 'joined'; readonly owner: string }
  | { readonly kind: 'resumed' }
  /** A coordinator runs it from here on; `seconds`: as it had run by then. */
  | { readonly kind: 'begun'; readonly seconds: number }
  /** Without progress in logs of older versions; without seconds where no run ended here. */
  | {
      readonly kind: 'paused' | 'cancelled';
      readonly progress?: JobProgress;
      readonly seconds?: number | undefined;
    }
  /** The last entry: what is left of the job is being removed. */
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'failed';
      readonly failure: FailureJson;
      readonly progress?: JobProgress;
      readonly seconds?: number | undefined;
    }
  | { readonly kind: 'done'; readonly seconds: number }
  | { readonly kind: 'priority'; readonly priority: number }
);

/** What a job's log amounts to. */
export interface JobFacts {
  readonly state: Exclude<JobState, 'running'>;
  readonly name: string;
  readonly priority: number;
  /** What the last who submitted it calls its sources; without names in logs of older versions. */
  readonly sourceNames: SourceNames;
  /** Whose it is: who submitted it first; empty: nobody's. */
  readonly owner: string;
  /** All who have ever submitted it. */
  readonly owners: readonly string[];
  readonly submittedAtMs: number;
  readonly failure: FailureJson | undefined;
  /** Wall seconds of its runs since it was submitted, but for what ran since `begunAtMs`. */
  readonly seconds: number;
  /** When the run began of which no entry tells the end; undefined: there is none. */
  readonly begunAtMs: number | undefined;
  /** Where its last run that did not end was left; undefined: there was none since it was submitted. */
  readonly progress: JobProgress | undefined;
  /** When it was over; undefined while it is not. */
  readonly overAtMs: number | undefined;
}

type State = JobFacts['state'] | undefined;
/** Told of every change; undefined: there is no such job. */
export type OnState = (before: State, now: State) => void;

/** Somebody else, a coordinator that is going or a new one, may write entries too; more than this is odd. */
const TRIES_MAX = 16;

export class JobLog {
  readonly #store: Store;
  readonly #jobId: JobId;
  readonly #onState: OnState | undefined;
  #entries: JobLogEntry[] = [];
  /** What the entries amount to: asked for far more often than one is written. */
  #facts: JobFacts | undefined;

  constructor(store: Store, jobId: JobId, onState?: OnState) {
    this.#store = store;
    this.#onState = onState;
    this.#jobId = jobId;
  }

  /** All that was written, oldest first. */
  get entries(): readonly JobLogEntry[] {
    return this.#entries;
  }

  /** Undefined for a job that was never submitted, or is deleted. */
  get facts(): JobFacts | undefined {
    return this.#facts;
  }

  /** Whether it ends in `deleted`. */
  get isDeleted(): boolean {
    return this.#entries.at(-1)?.kind === 'deleted';
  }

  /** The same, also where its beginning is gone already. One whose beginning is damaged is not deleted. */
  async isBeingRemoved(): Promise<boolean> {
    if (this.#entries.length > 0) return this.isDeleted;
    const names = await this.#store.listDocuments('job-event', `${this.#jobId}/`);
    const last = names.at(-1);
    const bytes = last === undefined ? undefined : await this.#store.getDocument(last);
    if (bytes === undefined) return false;
    return (JSON.parse(Buffer.from(bytes).toString()) as JobLogEntry).kind === 'deleted';
  }

  /** Reads what was written since. */
  async read(): Promise<void> {
    while (await this.#readNext());
  }

  /**
   * Reads the beginning, of which it is known how long it is, and for a job that is not over what was written since: of one that is, nobody is
   * likely to have done anything meanwhile, and `append` finds it.
   */
  async readFirst(count: number): Promise<void> {
    while (this.#entries.length < count && (await this.#readNext()));
    if (!isOver(this.#facts?.state)) await this.read();
  }

  /** Writes one entry, after all that others have written. @throws aborted — others keep writing */
  async append(entry: JobLogEntry): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(entry));
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const put = await this.#store.putDocument(this.#nameOf(this.#entries.length), bytes);
      if (put === 'created') {
        passFailurePoint('entry-put', entry.kind);
        this.#add(entry);
        return;
      }
      await this.read();
    }
    throw new BivdiffError('aborted', `the log of job ${this.#jobId}: others keep writing it`);
  }

  /**
   * Takes it out of the store, the last entry last: until then whoever reads on finds that the job is deleted, and whoever reads from the
   * beginning finds no job.
   */
  async remove(): Promise<void> {
    const names = await this.#store.listDocuments('job-event', `${this.#jobId}/`);
    for (const name of names) await this.#store.deleteDocument(name);
    this.#entries = [];
    this.#amountTo(undefined);
  }

  async #readNext(): Promise<boolean> {
    const bytes = await this.#store.getDocument(this.#nameOf(this.#entries.length));
    if (bytes === undefined) return false;
    this.#add(JSON.parse(Buffer.from(bytes).toString()) as JobLogEntry);
    return true;
  }

  #add(entry: JobLogEntry): void {
    this.#entries.push(entry);
    this.#amountTo(applyEntry(this.#facts, entry));
  }

  #amountTo(facts: JobFacts | undefined): void {
    const before = this.#facts?.state;
    this.#facts = facts;
    if (before !== facts?.state) this.#onState?.(before, facts?.state);
  }

  #nameOf(index: number): { readonly kind: 'job-event'; readonly id: string } {
    return { kind: 'job-event', id: `${this.#jobId}/${String(index).padStart(6, '0')}` };
  }
}

/** Whether nothing more will happen to a job unless somebody asks; also of one that is gone. */
export function isOver(state: JobState | undefined): boolean {
  return state === undefined || ['done', 'failed', 'cancelled'].includes(state);
}

/** Every job that was ever submitted to this store, whatever became of it. */
export async function submittedJobs(store: Store): Promise<readonly JobId[]> {
  return [...(await entryCounts(store)).keys()];
}

/** How many entries each job's log has, whether or not its first ones are gone. */
export async function entryCounts(store: Store): Promise<ReadonlyMap<JobId, number>> {
  const counts = new Map<JobId, number>();
  for (const { id } of await store.listDocuments('job-event')) {
    const slash = id.indexOf('/');
    // In order: the last one counts.
    counts.set(id.slice(0, slash) as JobId, Number(id.slice(slash + 1)) + 1);
  }
  return counts;
}

function namesIn({
  source,
  otherSources,
}: JobLogEntry & { readonly kind: 'submitted' }): SourceNames {
  return { source, others: otherSources };
}

/** A job of which no run counts. */
const NOT_BEGUN = { progress: undefined, overAtMs: undefined } as const;
const NEVER_RAN = { seconds: 0, begunAtMs: undefined } as const;

function applyEntry(facts: JobFacts | undefined, entry: JobLogEntry): JobFacts | undefined {
  if (entry.kind === 'submitted' && facts === undefined) {
    const { name, priority, atMs, owner = '' } = entry;
    const nothingYet = { ...NOT_BEGUN, ...NEVER_RAN, failure: undefined } as const;
    const whose = { owner, owners: [owner] };
    return {
      state: 'queued',
      name,
      priority,
      sourceNames: namesIn(entry),
      ...whose,
      submittedAtMs: atMs,
      ...nothingYet,
    };
  }
  if (facts === undefined) return undefined;
  switch (entry.kind) {
    case 'submitted':
      return {
        ...facts,
        name: entry.name,
        priority: entry.priority,
        sourceNames: namesIn(entry),
        // Whoever was first stays it.
        owner: facts.owner === '' ? (entry.owner ?? '') : facts.owner,
        owners: joined(facts.owners, entry.owner),
        state: 'queued',
        failure: undefined,
        ...NOT_BEGUN,
        ...NEVER_RAN,
      };
    case 'joined':
      return { ...facts, owners: joined(facts.owners, entry.owner) };
    case 'resumed':
      return { ...facts, state: 'queued', failure: undefined, overAtMs: undefined };
    case 'begun':
      return { ...facts, seconds: entry.seconds, begunAtMs: entry.atMs };
    case 'priority':
      return { ...facts, priority: entry.priority };
    case 'failed':
      return { ...left(facts, entry), failure: entry.failure, overAtMs: entry.atMs };
    case 'done': {
      const { seconds, atMs: overAtMs } = entry;
      return { ...facts, ...NOT_BEGUN, state: 'done', seconds, begunAtMs: undefined, overAtMs };
    }
    case 'paused':
      return { ...left(facts, entry), overAtMs: undefined };
    case 'cancelled':
      return { ...left(facts, entry), overAtMs: entry.atMs };
    case 'deleted':
      return undefined;
    default:
      // A later version has written it; what it means to that one does not take the job away from this one.
      return facts;
  }
}

/** A run that did not end. */
function left(
  facts: JobFacts,
  { kind, progress, seconds }: JobLogEntry & { readonly kind: 'paused' | 'cancelled' | 'failed' },
): JobFacts {
  const ran = seconds === undefined ? {} : { seconds, begunAtMs: undefined };
  return { ...facts, ...ran, state: kind, progress: progress ?? facts.progress };
}

function joined(owners: readonly string[], owner: string | undefined): readonly string[] {
  return owner === undefined || owners.includes(owner) ? owners : [...owners, owner];
}
