// Puts renders on a farm: what it would refuse is told in the user's own words before a source is uploaded. A batch goes in whole or not at all,
// as far as refusals go: every line is checked before the first is submitted.

import { basename } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { ErrorCode } from '../../common/errors.ts';
import type { Job } from '../../common/gen/bivdiff/v1/job.ts';
import type { SubmitJobRequest } from '../../common/gen/bivdiff/v1/render_service.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { putSource } from '../../common/sources/source.ts';
import type { StoredSource, StoredSources } from '../../common/sources/source.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { plural } from '../output/format.ts';
import { inOwnWords, nameProblems } from '../request/accept-request.ts';
import { isTexts } from '../output/error-text.ts';
import { batchRefusal, placeInBatch } from '../request/batch-file.ts';
import type { BatchDraft } from '../request/batch-file.ts';
import { lookAtLines, placedProblems } from '../request/batch-problems.ts';
import { checkDraft } from '../request/check-drafts.ts';
import type { RenderRequest, RequestDraft } from '../request/render-request.ts';
import { problemsOfTexts } from '../request/request-problems.ts';
import type { RequestProblem } from '../request/request-problems.ts';
import { FirstLook } from './check-first.ts';
import type { FarmClient, SubmitCall } from './farm-client.ts';
import { specMessage } from './spec-message.ts';

export interface SubmitOptions {
  /** 0 to 100; higher goes first. */
  readonly priority: number;
  /** Of flags that are no settings of a render. */
  readonly besides: readonly RequestProblem[];
  /** Called with each job once it is on the farm. */
  readonly onSubmitted: (job: Job) => void;
  /** Told what may not be expected of a job that was submitted. */
  readonly onWarning: (text: string) => void;
}

/** What a farm or a file system says of one line; anything else would be said of the next one too. */
const OF_ONE_LINE: ReadonlySet<ErrorCode> = new Set([
  'invalid-argument',
  'not-found',
  'already-exists',
  'resource-exhausted',
]);

/** @throws BivdiffError — something is wrong with it, a source cannot be read, or the farm refuses the render */
export async function submitRender(
  farm: FarmClient,
  draft: RequestDraft,
  options: SubmitOptions,
): Promise<Job> {
  const { request } = draft;
  await using look = new FirstLook(farm);
  await checkDraft(draft, { look, besides: options.besides, command: 'submit' });
  try {
    await look.check(request.spec, options.priority);
    const uploaded = await upload(request.spec, (path) => putSource(farm, path));
    const job = await farm.submit(submissionOf(request, uploaded, options), {
      ...callOf(request),
      onWarnings: (warnings) => nameProblems(warnings, request).forEach(options.onWarning),
    });
    options.onSubmitted(job);
    return job;
  } catch (reason) {
    throw inOwnWords(reason, request);
  }
}

/**
 * @throws invalid-argument — lists every line that is refused; nothing was submitted
 * @throws BivdiffError — the farm went away; `submitted` in details has the ids of the lines that are on it
 */
export async function submitBatch(
  farm: FarmClient,
  path: string,
  batch: BatchDraft,
  options: SubmitOptions,
): Promise<readonly Job[]> {
  const requests = batch.drafts.map(({ request }) => request);
  const checked = await checkAll(farm, path, batch, options);
  const jobs: Job[] = [];
  for (const [index, submission] of checked.entries()) {
    const request = requests[index]!;
    try {
      const job = await farm.submit(submission, {
        ...callOf(request),
        onWarnings: (warnings) => {
          for (const text of nameProblems(warnings, request)) {
            options.onWarning(`${placeInBatch(request, path)}: ${text}`);
          }
        },
      });
      jobs.push(job);
      options.onSubmitted(job);
    } catch (reason) {
      throw stoppedAt(placeInBatch(request, path), inOwnWords(reason, request), jobs);
    }
  }
  return jobs;
}

/** Has every line checked as it would be accepted, and uploads each source once, but nothing before all lines are known to be right as far as that shows. */
async function checkAll(
  farm: FarmClient,
  path: string,
  batch: BatchDraft,
  options: SubmitOptions,
): Promise<readonly SubmitJobRequest[]> {
  await using look = new FirstLook(farm);
  const seen = await lookAtLines(path, batch, { look });
  const lines = [...seen.lines];
  const refuseIfWrong = async (): Promise<void> => {
    const placed = await placedProblems(lines, batch, { look });
    const problems = [...options.besides, ...batch.problems, ...placed];
    if (problems.length > 0) throw batchRefusal(path, problems);
  };
  const ofLine = async (request: RenderRequest, work: () => Promise<void>): Promise<void> => {
    const place = placeInBatch(request, path);
    try {
      await work();
    } catch (reason) {
      const error = inOwnWords(reason, request);
      if (!OF_ONE_LINE.has(error.code)) {
        // Of a farm that is not there less can be told, but not nothing.
        await refuseIfWrong();
        throw nothingSubmitted(path, place, error);
      }
      const { problems: several } = error.details;
      const texts = isTexts(several) && several.length > 0 ? several : [error.message];
      lines.push({ place, found: problemsOfTexts(texts) });
    }
  };
  for (const { request } of seen.whole) {
    await ofLine(request, () => look.check(request.spec, options.priority));
  }
  await refuseIfWrong();
  const sources = new Map<string, Promise<StoredSource>>();
  const checked: SubmitJobRequest[] = [];
  for (const { request } of batch.drafts) {
    await ofLine(request, async () => {
      const uploaded = await upload(request.spec, (input) => {
        const source = sources.get(input) ?? putSource(farm, input);
        sources.set(input, source);
        return source;
      });
      const submission = submissionOf(request, uploaded, options);
      await farm.check(submission, callOf(request));
      checked.push(submission);
    });
  }
  await refuseIfWrong();
  return checked;
}

interface Uploaded {
  readonly source: StoredSource;
  readonly sources: StoredSources;
}

/** All that a spec reads, one after the other. */
async function upload(
  spec: RenderSpec,
  put: (path: string) => Promise<StoredSource>,
): Promise<Uploaded> {
  const source = await put(spec.input.path);
  const sources: Record<string, StoredSource> = {};
  for (const { name, path } of furtherSources(spec)) sources[name] = await put(path);
  return { source, sources };
}

function submissionOf(
  { spec, files }: RenderRequest,
  { source, sources }: Uploaded,
  { priority }: SubmitOptions,
): SubmitJobRequest {
  const name = spec.name ?? (files.output === undefined ? undefined : basename(files.output));
  return {
    protocol: PROTOCOL_VERSION,
    spec: specMessage(name === undefined ? spec : { ...spec, name }),
    sourceKind: source.kind,
    sourceDigest: source.digest,
    sources: Object.entries(sources).map(([name, stored]) => ({ name, ...stored })),
    priority,
  };
}

function callOf({ spec }: RenderRequest): SubmitCall {
  return { searches: spec.cuts === 'auto' };
}

function nothingSubmitted(path: string, place: string, error: BivdiffError): BivdiffError {
  const message = `${path}: nothing was run: ${place}: ${error.message}`;
  return new BivdiffError(error.code, message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error.cause,
  });
}

function stoppedAt(place: string, error: BivdiffError, jobs: readonly Job[]): BivdiffError {
  const before = jobs.length === 1 ? 'was submitted before it' : 'were submitted before it';
  return new BivdiffError(
    error.code,
    `${place}: ${error.message}; ${plural(jobs.length, 'job')} ${before}`,
    {
      hint: 'The same command submits the rest: a job that is on the farm is found there, not made again.',
      details: { submitted: jobs.map(({ id, state }) => ({ job: id, state })) },
      cause: error.cause,
    },
  );
}
