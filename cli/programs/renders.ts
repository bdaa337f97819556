// Renders of a cluster, for a coordinator that leads on it: joins what the API server has to what the coordinator's clients have.

import { setTimeout as delay } from 'node:timers/promises';

import { BivdiffError } from '../../common/errors.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import type { StoredSource, StoredSources } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import type { Coordinator } from '../../coordinator/coordinator.ts';
import type { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import { jobIdOf } from '../../coordinator/domain/accept.ts';
import { openKubeApi } from '../../coordinator/kubernetes/api/kube-api.ts';
import { runRenders } from '../../coordinator/kubernetes/renders/run-renders.ts';
import type { Render } from '../../coordinator/kubernetes/renders/resource.ts';
import { SeenJobs } from '../../coordinator/kubernetes/renders/seen-jobs.ts';
import type { TakeDeps } from '../../coordinator/kubernetes/renders/take-render.ts';
import type { RenderSettings } from '../../coordinator/kubernetes/settings.ts';
import { systemClock } from '../../coordinator/ports.ts';
import { acceptRender } from '../../coordinator/rpc/accept-submission.ts';
import { ArtifactRights } from '../../coordinator/rpc/access/artifact-rights.ts';
import type { Caller } from '../../coordinator/rpc/access/caller.ts';
import { doneJobs } from '../../coordinator/rpc/access/job-scope.ts';
import { SOURCE_FIELDS } from '../../recipes/spec/further-sources.ts';
import type { ClusterPlace } from '../flags/cluster-place.ts';
import type { Acceptor } from './acceptor.ts';
import type { Log } from './log.ts';
import { RenderSources } from './render-source.ts';

/** One call of the API server may be out, which has 5 s; a file system that does not answer may keep a read for ever. */
const END_MS_MAX = 6_000;

export interface ServedRenders {
  /** Resolves when nothing more is done, or what was begun does not end; it puts nothing on the farm any more. */
  end(): Promise<void>;
}

export interface RendersOptions {
  readonly place: ClusterPlace | undefined;
  readonly coordinator: Coordinator;
  readonly workers: WorkerRegistry;
  readonly store: Store;
  readonly acceptor: Pick<Acceptor, 'accept' | 'warningsOf'>;
  readonly limits: FarmLimits;
  /** Whether sources are their owners' alone. */
  readonly hasTokens: boolean;
  readonly log: Log;
}

/** Serves Renders until that is ended; nothing where they were not asked for. @throws as `openKubeApi` */
export async function startRenders(options: RendersOptions): Promise<ServedRenders> {
  const { place, coordinator, workers, store, log } = options;
  const settings = place?.settings.renders;
  const ending = new AbortController();
  const running = settings && serve(settings, await openKubeApi());
  return {
    end: async () => {
      ending.abort();
      await Promise.race([running, delay(END_MS_MAX, undefined, { ref: false })]);
    },
  };

  async function serve(
    given: RenderSettings,
    api: Awaited<ReturnType<typeof openKubeApi>>,
  ): Promise<void> {
    const { signal } = ending;
    const ended = new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
    // Before it has read which jobs there are, those of Renders would seem to be deleted.
    await Promise.race([coordinator.known, ended]);
    const { owner } = given;
    await runRenders(
      {
        ...{ api, namespace: place!.namespace, settings: given },
        clock: systemClock,
        wallMs: Date.now,
        jobs: coordinator,
        seenJobs: new SeenJobs({ coordinator, store, owner, workers: () => workers.alive }),
        accept: acceptanceOf(given, options),
        onTrouble: (error) => {
          log.warn({ failure: error.toJSON() }, 'Renders: trouble, trying again');
        },
      },
      signal,
    );
  }
}

/** As submissions are accepted, from an owner who may submit. */
function acceptanceOf(
  { owner, priorityMax, sources }: RenderSettings,
  { coordinator, store, acceptor, limits, hasTokens }: RendersOptions,
): TakeDeps['accept'] {
  const caller: Caller = { owner, roles: new Set(['submit']), priorityMax, name: owner };
  const doneJobsOf = (of: Caller): ReturnType<typeof doneJobs> => doneJobs(coordinator, of);
  const rights = new ArtifactRights({ store, doneJobs: doneJobsOf });
  const places = new RenderSources({ store, folder: sources, bytesMax: limits.uploadBytes });
  return async (render, priority, signal) => {
    const { name, uid, settings } = render;
    const { source, sources, paths, ours } = await findAll(render, places, signal);
    const spec = withPaths({ apiVersion: 'bivdiff/v1', kind: 'Render', name, ...settings }, paths);
    const specBytes = Buffer.byteLength(JSON.stringify(spec));
    const accepted = await acceptRender({ spec, specBytes, source, sources, priority }, caller, {
      ...{ store, limits },
      accept: (checked, first, others) => acceptor.accept(checked, first, others),
      ...(hasTokens && {
        rights: {
          checkSource: async (of, one) =>
            ours.has(one.digest) ? undefined : rights.checkSource(of, one),
        },
      }),
    }).catch((reason: unknown) => {
      // The store may have lost it.
      if (BivdiffError.from(reason).code === 'data-loss') places.forget(uid);
      throw reason;
    });
    const { job, submission } = accepted;
    return {
      jobId: jobIdOf(job),
      // A Render that was taken is not refused for want of them.
      warnings: await acceptor.warningsOf(accepted.spec, job).catch(() => []),
      submit: async () => {
        await coordinator.submit(job, submission);
        places.forget(uid);
      },
    };
  };
}

/** What lay on our disk is nobody's upload. */
interface FoundSources {
  readonly source: StoredSource;
  readonly sources: StoredSources;
  /** By the field of the spec that names it. */
  readonly paths: Readonly<Record<string, string>>;
  readonly ours: ReadonlySet<Digest>;
}

/** @throws as `RenderSources.find`; invalid-argument — a source that no task has */
async function findAll(
  { uid, source: named, sources: others }: Render,
  places: RenderSources,
  signal: AbortSignal,
): Promise<FoundSources> {
  const first = await places.find({ uid, field: 'source', named }, signal);
  const paths: Record<string, string> = { 'input.path': first.path };
  const sources: Record<string, StoredSource> = {};
  const ours = new Set(first.isOurs ? [first.source.digest] : []);
  for (const [name, one] of Object.entries(others)) {
    const field = SOURCE_FIELDS[name];
    if (field === undefined) {
      throw new BivdiffError('invalid-argument', `sources.${name}: no task has such a source`);
    }
    const found = await places.find({ uid, field: `sources.${name}`, named: one }, signal);
    paths[field] = found.path;
    sources[name] = found.source;
    if (found.isOurs) ours.add(found.source.digest);
  }
  return { source: first.source, sources, paths, ours };
}

/** Settings with what a spec file has of sources: a Render names them elsewhere. */
function withPaths(settings: object, paths: Readonly<Record<string, string>>): object {
  let spec: Record<string, unknown> = { ...settings };
  for (const [field, path] of Object.entries(paths)) spec = withField(spec, field.split('.'), path);
  return spec;
}

function withField(
  fields: Readonly<Record<string, unknown>>,
  [first = '', ...rest]: readonly string[],
  value: string,
): Record<string, unknown> {
  if (rest.length === 0) return { ...fields, [first]: value };
  const below = (fields[first] ?? {}) as Readonly<Record<string, unknown>>;
  return { ...fields, [first]: withField(below, rest, value) };
}
