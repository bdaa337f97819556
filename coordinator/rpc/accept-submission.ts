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
import type { StoredSource } from '../../common/sources/source.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { parseRenderSpec } from '../../recipes/spec/parse.ts';
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
  readonly accept: (spec: RenderSpec, source: StoredSource) => Promise<AcceptedJob>;
  readonly store: Store;
  /** Whose sources are whose. @default everybody's are everybody's */
  readonly rights?: ArtifactRights;
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
  readonly priority: number;
}

/** From a request to an accepted job whose source is safe on the disk. */
export async function acceptSubmission(
  request: SubmitJobRequest,
  caller: Caller,
  options: AcceptOptions,
): Promise<AcceptedSubmission> {
  const { protocol, priority, sourceKind, sourceDigest } = request;
  if (protocol !== PROTOCOL_VERSION) {
    throw new BivdiffError(
      'failed-precondition',
      `this client speaks protocol ${protocol}, the coordinator ${PROTOCOL_VERSION}`,
      { hint: 'Use the same version of bivdiff for both.' },
    );
  }
  if ((sourceKind !== 'video' && sourceKind !== 'folder') || !isDigest(sourceDigest)) {
    throw new BivdiffError('invalid-argument', 'the request names no uploaded source');
  }
  const message = request.spec && SpecMessage.encode(request.spec).finish();
  const source: StoredSource = { kind: sourceKind, digest: sourceDigest };
  const spec = specOfMessage(request.spec);
  const asked = { spec, specBytes: message?.byteLength, source, priority };
  return acceptRender(asked, caller, options);
}

/** The same, of whoever asks otherwise. @throws as `parseRenderSpec`, `checkSpecLimits`, `checkPriority`, `accept`; not-found — the source is not the caller's */
export async function acceptRender(
  asked: AskedRender,
  caller: Caller,
  { accept, store, rights, limits }: AcceptOptions,
): Promise<AcceptedSubmission> {
  const { source, priority } = asked;
  checkPriority(priority, caller);
  const spec = parseRenderSpec(asked.spec, 'the request');
  checkSpecLimits(spec, limits, asked.specBytes);
  await rights?.checkSource(caller, source);
  const job = await accept(spec, source);
  checkSpecLimits({ ...job, size: job }, limits);
  await syncArtifacts(store, await artifactsOfSource(store, source));
  await putRequest(store, jobIdOf(job), spec);
  const whose = caller.owner === '' ? {} : { owner: caller.owner };
  const name = spec.name ?? '';
  return { spec, job, submission: { name, priority, source: basename(spec.input.path), ...whose } };
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
function specOfMessage(message: SpecMessage | undefined): unknown {
  if (message === undefined) return null;
  const { taskSettingsJson, ...spec } = message;
  return { ...settingsOf(taskSettingsJson), ...(JSON.parse(JSON.stringify(spec)) as object) };
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
