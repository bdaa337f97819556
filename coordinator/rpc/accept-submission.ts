// From a request on the wire to an accepted job, or to all that keeps it from being one. Puts nothing on the farm.

import { isDigest } from '../../common/digest.ts';
import { basename } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { SubmitJobRequest } from '../../common/gen/bivdiff/v1/render_service.ts';
import { RenderSpec as SpecMessage } from '../../common/gen/bivdiff/v1/render_spec.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { artifactsOfSource } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import type { StoredSource, StoredSources } from '../../common/sources/source.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { parseRenderSpec } from '../../recipes/spec/parse.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { Submission } from '../coordinator.ts';
import type { ArtifactRights } from './access/artifact-rights.ts';
import { PRIORITY_MAX } from './access/caller.ts';
import { jobIdOf } from '../domain/accept.ts';
import { putRequest } from '../jobs/job-request.ts';
import { syncArtifacts } from '../jobs/sync-artifacts.ts';
import type { Caller } from './access/caller.ts';
import { checkSpecLimits } from './spec-limits.ts';

export interface AcceptOptions {
  /** Looks at source and models and turns the spec into a job. @throws invalid-argument — all problems */
  readonly accept: (
    spec: RenderSpec,
    source: StoredSource,
    sources: StoredSources,
  ) => Promise<AcceptedJob>;
  readonly store: Store;
  /** Whose sources are whose. @default everybody's are everybody's */
  readonly rights?: Pick<ArtifactRights, 'checkSource'>;
  readonly limits: FarmLimits;
}

export interface AcceptedSubmission {
  readonly spec: RenderSpec;
  readonly job: AcceptedJob;
  readonly submission: Submission;
}

/** A render that somebody asks for, in whatever words it came. */
export interface AskedRender {
  /** Of a spec file; not checked yet. */
  readonly spec: unknown;
  /** Of it as it came. @default it is not bounded */
  readonly specBytes?: number | undefined;
  readonly source: StoredSource;
  /** Those that the spec names beside it, by name. @default none */
  readonly sources?: StoredSources;
  readonly priority: number;
}

/** From a request to an accepted job whose source is safe on the disk. */
export async function acceptSubmission(
  request: SubmitJobRequest,
  caller: Caller,
  options: AcceptOptions,
): Promise<AcceptedSubmission> {
  const { priority, sourceKind, sourceDigest } = request;
  checkProtocol(request.protocol);
  const source = storedSource(sourceKind, sourceDigest);
  if (source === undefined) {
    throw new BivdiffError('invalid-argument', 'the request names no uploaded source');
  }
  const sources: Record<string, StoredSource> = {};
  for (const { name, kind, digest } of request.sources) {
    const stored = storedSource(kind, digest);
    if (stored === undefined || Object.hasOwn(sources, name)) {
      throw new BivdiffError('invalid-argument', `the request names no uploaded source as ${name}`);
    }
    sources[name] = stored;
  }
  const message = request.spec && SpecMessage.encode(request.spec).finish();
  const spec = specOfMessage(request.spec);
  const asked = { spec, specBytes: message?.byteLength, source, sources, priority };
  return acceptRender(asked, caller, options);
}

/** The same, of whoever asks otherwise. @throws as `parseRenderSpec`, `checkSpecLimits`, `checkPriority`, `accept`; not-found — the source is not the caller's */
export async function acceptRender(
  asked: AskedRender,
  caller: Caller,
  { accept, store, rights, limits }: AcceptOptions,
): Promise<AcceptedSubmission> {
  const { source, sources = {}, priority } = asked;
  const all = [source, ...Object.values(sources)];
  checkPriority(priority, caller);
  const spec = parseRenderSpec(asked.spec, 'the request');
  checkSpecLimits(spec, limits, asked.specBytes);
  checkNames(spec, Object.keys(sources));
  for (const one of all) await rights?.checkSource(caller, one);
  const job = await accept(spec, source, sources);
  checkSpecLimits({ ...job, size: job }, limits);
  for (const one of all) await syncArtifacts(store, await artifactsOfSource(store, one));
  await putRequest(store, jobIdOf(job), spec);
  const whose = caller.owner === '' ? {} : { owner: caller.owner };
  const submission = { name: spec.name ?? '', priority, ...sourceNamesOf(spec, sources), ...whose };
  return { spec, job, submission };
}

/** @throws failed-precondition */
export function checkProtocol(protocol: number): void {
  if (protocol === PROTOCOL_VERSION) return;
  throw new BivdiffError(
    'failed-precondition',
    `this client speaks protocol ${protocol}, the coordinator ${PROTOCOL_VERSION}`,
    { hint: 'Use the same version of bivdiff for both.' },
  );
}

function storedSource(kind: string, digest: string): StoredSource | undefined {
  const isKind = kind === 'video' || kind === 'folder';
  return isKind && isDigest(digest) ? { kind, digest } : undefined;
}

/** What the spec names beside the first source has to be there, and nothing else. @throws invalid-argument */
export function checkNames(spec: RenderSpec, sources: Iterable<string>): void {
  const named = furtherSources(spec);
  const given = new Set(sources);
  const problems = [
    ...named
      .filter(({ name }) => !given.has(name))
      .map(({ field, path }) => `${field}: ${path} was not uploaded`),
    ...[...given]
      .filter((name) => !named.some((one) => one.name === name))
      .map((name) => `the request has a source ${name}, which its spec does not name`),
  ];
  if (problems.length === 0) return;
  throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
}

/** As errors shall call them. */
function sourceNamesOf(spec: RenderSpec, sources: StoredSources) {
  const others = furtherSources(spec).map(({ name, path }) => {
    return [sources[name]!.digest, basename(path)] as const;
  });
  return {
    source: basename(spec.input.path),
    ...(others.length > 0 && { otherSources: Object.fromEntries(others) }),
  };
}

/** @throws invalid-argument — it is none; permission-denied — the caller's token has a lower bound */
export function checkPriority(priority: number, { priorityMax }: Caller): void {
  if (!Number.isInteger(priority) || priority < 0 || priority > PRIORITY_MAX) {
    const message = `priority: expected 0 to ${PRIORITY_MAX}, got ${priority}`;
    throw new BivdiffError('invalid-argument', message);
  }
  if (priority <= priorityMax) return;
  const message = `priority: ${priorityMax} at most with this token, got ${priority}`;
  const hint = 'Ask whoever runs the farm: priorityMax in its tokens file allows more.';
  throw new BivdiffError('permission-denied', message, { hint });
}

/** Absent fields are undefined in messages and missing in specs; settings without a field of their own stand beside the others. */
export function specOfMessage(message: SpecMessage | undefined): unknown {
  if (message === undefined) return null;
  const { taskSettingsJson, ...spec } = message;
  const whole = {
    ...settingsOf(taskSettingsJson),
    ...(JSON.parse(JSON.stringify(spec)) as object),
  };
  // Of a field that the message has a part of, the younger part travels by its full name.
  const { 'output.audio': audio, ...fields } = whole as Record<string, unknown>;
  if (audio === undefined) return fields;
  return { ...fields, output: { ...(fields['output'] as object | undefined), audio } };
}

/** @throws invalid-argument — it is no JSON object */
function settingsOf(json: string): object {
  if (json === '') return {};
  try {
    const settings: unknown = JSON.parse(json);
    if (typeof settings === 'object' && settings !== null && !Array.isArray(settings)) {
      return settings;
    }
  } catch {
    // Falls through to the one error.
  }
  throw new BivdiffError('invalid-argument', 'taskSettingsJson: expected a JSON object', {
    hint: 'Its keys are the fields that the task has in a spec file.',
  });
}
