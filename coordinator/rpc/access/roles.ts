// Who may call what: one table for all services of a coordinator. What is not in it is refused to everybody.

import { ArtifactServiceService } from '../../../common/gen/bivdiff/v1/artifact_service.ts';
import { RenderServiceService } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { StoreServiceService } from '../../../common/gen/bivdiff/v1/store_service.ts';

/**
 * - `read`: sees the owner's jobs and fetches their files
 * - `submit`: `read`, uploads, submits, and changes the owner's jobs
 * - `operate`: everything, of everybody
 * - `worker`: the store's records and artifacts
 */
export const ROLES = ['read', 'submit', 'operate', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** What one role brings along. */
const INCLUDES: Readonly<Record<Role, readonly Role[]>> = {
  read: ['read'],
  submit: ['submit', 'read'],
  operate: ROLES,
  worker: ['worker'],
};

const { getJob, listJobs, watchJob, submitJob, checkJob, checkSpec, cancelJob, pauseJob } =
  RenderServiceService;
const { resumeJob, setPriority, listWorkers, drainWorker } = RenderServiceService;
const { watchLog, listFrames, deleteJob } = RenderServiceService;
const { hasArtifact, readArtifact, writeArtifact } = ArtifactServiceService;
const { putRecord, getRecord, dropRecord } = StoreServiceService;
const { putDocument, getDocument, listDocuments, deleteDocument } = StoreServiceService;

/** Any one of these roles suffices. */
const NEEDED: ReadonlyMap<string, readonly Role[]> = new Map(
  Object.entries({
    [getJob.path]: ['read'],
    [listJobs.path]: ['read'],
    [watchJob.path]: ['read'],
    [watchLog.path]: ['read'],
    [listFrames.path]: ['read'],
    [submitJob.path]: ['submit'],
    [checkJob.path]: ['submit'],
    [checkSpec.path]: ['submit'],
    [cancelJob.path]: ['submit'],
    [pauseJob.path]: ['submit'],
    [resumeJob.path]: ['submit'],
    [deleteJob.path]: ['submit'],
    [setPriority.path]: ['submit'],
    [listWorkers.path]: ['operate'],
    [drainWorker.path]: ['operate'],
    [hasArtifact.path]: ['submit', 'worker'],
    [readArtifact.path]: ['read', 'worker'],
    [writeArtifact.path]: ['submit', 'worker'],
    [putRecord.path]: ['worker'],
    [getRecord.path]: ['worker'],
    [dropRecord.path]: ['worker'],
    [getDocument.path]: ['worker'],
    [listDocuments.path]: ['worker'],
    // Documents are the coordinator's: who may write them could depose it, or take over a job.
    [putDocument.path]: ['operate'],
    [deleteDocument.path]: ['operate'],
  } satisfies Record<string, readonly Role[]>),
);

/** What tools ask of any server, and what tells nothing of jobs. */
const OPEN_TO_EVERYBODY = [/^\/grpc\.health\.v1\.Health\//, /^\/grpc\.reflection\.v1(alpha)?\./];

export function isOpenToEverybody(path: string): boolean {
  return OPEN_TO_EVERYBODY.some((pattern) => pattern.test(path));
}

/** The roles of which one is needed; undefined for a method that nobody may call. */
export function rolesNeeded(path: string): readonly Role[] | undefined {
  return NEEDED.get(path);
}

export function withIncluded(roles: readonly Role[]): ReadonlySet<Role> {
  return new Set(roles.flatMap((role) => INCLUDES[role]));
}
