// RenderService.ListJobs: the jobs that a caller sees, page by page, as AIP-158 has it. A page is bounded in jobs and in bytes. Its token is
// the place of its last job: what is submitted or deleted meanwhile moves no other.

import { z } from 'zod';

import { isDigest } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type {
  ListJobsRequest,
  ListJobsResponse,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import type { JobId } from '../../common/task.ts';
import type { Coordinator } from '../coordinator.ts';
import { placeOf } from '../jobs/known-jobs.ts';
import type { JobPlace } from '../jobs/known-jobs.ts';
import type { Caller } from './access/caller.ts';
import { scopeOf } from './access/job-scope.ts';
import { briefJobMessage } from './messages/job-message.ts';
import type { WorkerStatus } from '../../common/worker-status.ts';

const PAGE_SIZE_DEFAULT = 100;
const PAGE_SIZE_MAX = 1_000;
/** Of the jobs of one page, unless it has but one. */
const PAGE_BYTES_MAX = 1 << 20;

const TOKEN = z.tuple([z.number(), z.string().refine(isDigest)]);

/** @throws invalid-argument — a negative size, or a token that no page has given */
export function listJobs(
  coordinator: Coordinator,
  caller: Caller,
  { pageSize, pageToken }: ListJobsRequest,
  workers: readonly WorkerStatus[],
): ListJobsResponse {
  if (pageSize < 0) {
    throw new BivdiffError('invalid-argument', `page_size: expected 0 or more, got ${pageSize}`);
  }
  const sizeMax = Math.min(pageSize === 0 ? PAGE_SIZE_DEFAULT : pageSize, PAGE_SIZE_MAX);
  const after = pageToken === '' ? undefined : placeOfToken(pageToken);
  const views = coordinator.list(scopeOf(caller), after);
  const jobs: Job[] = [];
  let bytes = 0;
  for (const view of views.slice(0, sizeMax)) {
    const job = briefJobMessage(view, { caller, workers });
    bytes += Job.encode(job).finish().byteLength;
    if (jobs.length > 0 && bytes > PAGE_BYTES_MAX) break;
    jobs.push(job);
  }
  const last = views[jobs.length - 1];
  const hasMore = last !== undefined && views.length > jobs.length;
  return { jobs, nextPageToken: hasMore ? tokenOf(placeOf(last)) : '' };
}

function tokenOf({ submittedAtMs, jobId }: JobPlace): string {
  return Buffer.from(JSON.stringify([submittedAtMs, jobId])).toString('base64url');
}

function placeOfToken(token: string): JobPlace {
  try {
    const [submittedAtMs, jobId] = TOKEN.parse(
      JSON.parse(Buffer.from(token, 'base64url').toString()),
    );
    return { submittedAtMs, jobId: String(jobId) as JobId };
  } catch (cause) {
    throw new BivdiffError('invalid-argument', 'page_token: no page of this list has given it', {
      hint: 'Begin with an empty one.',
      cause,
    });
  }
}
