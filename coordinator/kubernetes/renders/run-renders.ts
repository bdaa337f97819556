// Has the farm render what Renders ask for: looks at all of them, decides, acts, again and again. No watch: one that breaks without a word would
// leave us with what was. What fails is said once and tried again. New Renders are taken beside the looks, which wait for no source.

import { BivdiffError } from '../../../common/errors.ts';
import type { Coordinator } from '../../coordinator.ts';
import type { Clock } from '../../ports.ts';
import { Turns } from '../../turns.ts';
import { isConflict, isNotFound } from '../api/api-failure.ts';
import type { KubeApi } from '../api/kube-api.ts';
import { pause } from '../../pause.ts';
import { Troubles } from '../api/looking.ts';
import type { RenderSettings } from '../settings.ts';
import { checkDefinition, notDefined } from './check-definition.ts';
import { decide } from './decide.ts';
import type { JobChange } from './decide.ts';
import { readRender } from './resource.ts';
import type { Render, RenderStatus } from './resource.ts';
import { RendersApi } from './renders-api.ts';
import type { SeenJobs } from './seen-jobs.ts';
import { changeOf, statusOf } from './status.ts';
import type { Standing } from './status.ts';
import { isDue, takeRender } from './take-render.ts';
import type { TakeDeps } from './take-render.ts';
import { Takes } from './takes.ts';

const LOOK_MS = 2_000;
/** After failures it waits longer, up to this. */
const LOOK_MS_MAX = 30_000;
/** Sources are read and looked into: work of the processor and of disks. */
const TAKEN_AT_ONCE = 2;
/** Statuses told in one look, so that the API server is not flooded where thousands change. */
const TOLD_MAX = 50;
/** Progress of one Render is told so often. */
const NUMBERS_MS = 10_000;

export interface RendersDeps extends Pick<TakeDeps, 'accept'> {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly settings: RenderSettings;
  /** Monotonic. */
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly jobs: Pick<Coordinator, 'pause' | 'resume' | 'cancel' | 'setPriority'>;
  readonly seenJobs: SeenJobs;
  /** Told of what keeps it from its work; once while it lasts. */
  readonly onTrouble: (error: BivdiffError) => void;
}

/** Runs until the signal aborts; a source that is being read then is let go of, and nothing more is begun. Never throws for what a cluster does. */
export async function runRenders(deps: RendersDeps, signal: AbortSignal): Promise<void> {
  const { clock, namespace } = deps;
  const api = await RendersApi.open(deps.api, { namespace, nowMs: () => clock.nowMs() });
  const looks = new Looks(deps, api, signal);
  const troubles = new Troubles(deps.onTrouble);
  let isDefined = false;
  let failed = 0;
  while (!signal.aborted) {
    let failures: readonly BivdiffError[] = [];
    try {
      if (!isDefined) checkDefinition(await api.published());
      isDefined = true;
      failures = await looks.look();
      failed = failures.length === 0 ? 0 : failed + 1;
    } catch (reason) {
      const error = BivdiffError.from(reason, 'Renders');
      // The list of a kind that is not there.
      const isGone = isNotFound(error);
      if (isGone) isDefined = false;
      failures = [isGone ? notDefined() : error];
      failed += 1;
    }
    troubles.say(failures);
    await pause(clock, Math.min(LOOK_MS_MAX, LOOK_MS * 2 ** Math.min(failed, 10)), signal);
  }
  await looks.ended();
}

class Looks {
  readonly #deps: RendersDeps;
  readonly #api: RendersApi;
  /** By uid: when its numbers were told. */
  readonly #toldMs = new Map<string, number>();
  readonly #take: TakeDeps;
  readonly #takes: Takes;
  /** A look, or the end of a take: a job that is put on the farm in the middle of a look might be cancelled for another Render, or by nobody. */
  readonly #turns = new Turns<'jobs'>();
  readonly #signal: AbortSignal;
  #failures: BivdiffError[] = [];
  /** Where the next look begins to tell, so that all have their turn. */
  #turn = 0;

  constructor(deps: RendersDeps, api: RendersApi, signal: AbortSignal) {
    this.#deps = deps;
    this.#api = api;
    this.#signal = signal;
    const { accept, settings } = deps;
    const retries = new Map<string, { readonly afterMs: number; readonly tries: number }>();
    this.#take = {
      ...{ accept, api, retries, priorityMax: settings.priorityMax },
      nowMs: () => deps.clock.nowMs(),
      setStatus: (render, standing) => this.#setStatus(render, standing),
      inTurn: (work) => this.#turns.take('jobs', work),
    };
    this.#takes = new Takes({
      ...{ atOnce: TAKEN_AT_ONCE, signal },
      take: (render, taking) => takeRender(render, this.#take, taking),
    });
  }

  /** Does all that can be done; gives what could not, with what takes could not since the last look. What came too late is decided anew. */
  async look(): Promise<readonly BivdiffError[]> {
    return this.#turns.take('jobs', () => this.#look());
  }

  /** Resolves when nothing is being taken any more, once the signal has aborted. */
  async ended(): Promise<void> {
    await this.#takes.ended();
  }

  async #look(): Promise<readonly BivdiffError[]> {
    const { seenJobs, settings, wallMs } = this.#deps;
    this.#failures = [];
    const listed = await this.#api.list();
    const renders = listed.items.flatMap((item) => this.#read(item));
    this.#takes.see(renders);
    const before = await seenJobs.of(renders);
    const { priorityMax } = settings;
    const decision = decide({
      ...{ renders, priorityMax, nowMs: wallMs() },
      jobOf: (jobId) => before.get(jobId),
    });
    const undone = new Set<string>();
    for (const change of decision.jobs) {
      const isDone = await this.#endure(() => this.#change(change));
      if (!isDone) undone.add(change.jobId);
    }
    for (const render of decision.release) {
      // Its job may still run: it is asked again.
      if (undone.has(render.status.jobId ?? '')) continue;
      await this.#endure(() => this.#api.release(render));
    }
    for (const render of decision.remove) await this.#endure(() => this.#api.remove(render));
    await this.#followAll(decision.follow);
    this.#takes.offer(decision.take.filter((one) => isDue(one, this.#take)));
    this.#forget(renders);
    return [...this.#failures, ...this.#takes.drainFailures().filter(isTrouble)];
  }

  #read(item: unknown): readonly Render[] {
    try {
      return [readRender(item)];
    } catch (reason) {
      this.#failures.push(BivdiffError.from(reason));
      return [];
    }
  }

  async #change(change: JobChange): Promise<void> {
    const { jobs } = this.#deps;
    const { jobId } = change;
    if (change.kind === 'priority') await jobs.setPriority(jobId, change.priority);
    else await jobs[change.kind](jobId);
  }

  async #followAll(renders: readonly Render[]): Promise<void> {
    const jobs = await this.#deps.seenJobs.of(renders);
    let told = 0;
    const from = renders.length === 0 ? 0 : this.#turn % renders.length;
    for (const render of [...renders.slice(from), ...renders.slice(0, from)]) {
      if (told >= TOLD_MAX) break;
      this.#turn += 1;
      const jobId = render.status.jobId!;
      const job = jobs.get(jobId);
      // What is over stays as it was told, though its job is deleted some day.
      if (job === undefined && render.status.finishedAt !== undefined) continue;
      const standing: Standing =
        job === undefined ? { kind: 'lost', jobId } : { kind: 'on-farm', job };
      await this.#endure(async () => {
        if (await this.#setStatus(render, standing)) told += 1;
      });
    }
  }

  /** False where there is nothing to tell, or not yet. */
  async #setStatus(render: Render, standing: Standing): Promise<RenderStatus | false> {
    const { clock, wallMs } = this.#deps;
    const status = statusOf(render, standing, wallMs());
    const change = changeOf(render.status, status);
    const toldMs = this.#toldMs.get(render.uid) ?? -Infinity;
    if (change === 'no' || (change === 'numbers' && clock.nowMs() < toldMs + NUMBERS_MS)) {
      return false;
    }
    await this.#api.setStatus(render, status);
    this.#toldMs.set(render.uid, clock.nowMs());
    return status;
  }

  /** Once it is to end, nothing more is begun. */
  async #endure(work: () => Promise<void>): Promise<boolean> {
    if (this.#signal.aborted) return false;
    try {
      await work();
      return true;
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (isTrouble(error)) this.#failures.push(error);
      return false;
    }
  }

  /** What is remembered of Renders that are gone. */
  #forget(renders: readonly Render[]): void {
    const uids = new Set(renders.map(({ uid }) => uid));
    for (const known of [this.#toldMs, this.#take.retries]) {
      for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
    }
  }
}

/** Not that a Render has changed, or gone, meanwhile: the next look sees it as it is. */
function isTrouble(error: BivdiffError): boolean {
  return !isConflict(error) && !isNotFound(error);
}
