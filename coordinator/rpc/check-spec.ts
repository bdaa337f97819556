// Whether a spec would be accepted with sources that its client alone has seen so far: asked before anything is uploaded.

import { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';
import type {
  CheckSpecRequest,
  SeenSource as SeenMessage,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import { RenderSpec as SpecMessage } from '../../common/gen/bivdiff/v1/render_spec.ts';
import { ProblemList } from '../../common/problems.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import { parseRenderSpec } from '../../recipes/spec/parse.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { DraftRender } from '../domain/accept.ts';
import { unnamedSource } from '../domain/check-sources.ts';
import type { SeenSource } from '../domain/check-sources.ts';
import { checkNames, checkPriority, checkProtocol, specOfMessage } from './accept-submission.ts';
import type { Caller } from './access/caller.ts';
import { checkSpecLimits, limitProblems } from './spec-limits.ts';

/** The job that it would be, but for what its sources are called. @throws as `AcceptOptions.accept` */
export type CheckSeen = (
  spec: RenderSpec,
  source: SeenSource,
  sources: Readonly<Record<string, SeenSource>>,
) => Promise<AcceptedJob>;

/** Of a render of which not all is known. */
export type SeenDraft = Pick<DraftRender, 'spec' | 'unknown' | 'source' | 'sources'>;

/** All that is wrong with it as far as that can be told, as `field: what`. */
export type CheckDraft = (draft: SeenDraft) => Promise<readonly string[]>;

export interface CheckSpecOptions {
  /** @default nothing is checked */
  readonly check?: CheckSeen | undefined;
  /** @default of what is not known whole nothing is checked */
  readonly checkDraft?: CheckDraft | undefined;
  readonly limits: FarmLimits;
}

const count = z.int().min(1);
const SEEN = z.object({ frames: count, width: count, height: count });

/** @throws as `acceptSubmission`, as far as that can be told by what the client has seen */
export async function checkSpec(
  request: CheckSpecRequest,
  caller: Caller,
  { check, checkDraft, limits }: CheckSpecOptions,
): Promise<void> {
  checkProtocol(request.protocol);
  checkPriority(request.priority, caller);
  const bytes = request.spec && SpecMessage.encode(request.spec).finish().byteLength;
  const spec = parseRenderSpec(specOfMessage(request.spec), 'the request');
  const named = new Map(request.sources.map((one) => [one.name, one]));
  const { unknown } = request;
  if (unknown.length > 0) {
    const draft = { spec, unknown, ...seenOf(request, spec) };
    const problems = new ProblemList(unknown);
    problems.push(...limitProblems(spec, limits), ...((await checkDraft?.(draft)) ?? []));
    const { told } = problems;
    if (told.length === 0) return;
    throw new BivdiffError('invalid-argument', told.join('; '), { details: { problems: told } });
  }
  checkSpecLimits(spec, limits, bytes);
  if (check === undefined) return;
  checkNames(spec, named.keys());
  const further = furtherSources(spec).map(
    ({ name, path }) => [name, seenSource(named.get(name), path)] as const,
  );
  const first = seenSource(request.source, spec.input.path);
  const job = await check(spec, first, Object.fromEntries(further));
  checkSpecLimits({ ...job, size: job }, limits);
}

/** Of the sources those that the client could read. */
function seenOf(
  { source, sources }: CheckSpecRequest,
  spec: RenderSpec,
): Pick<SeenDraft, 'source' | 'sources'> {
  const further = furtherSources(spec).flatMap(({ name, path }) => {
    const message = sources.find((one) => one.name === name);
    return message ? [[name, unnamedSource(seenSource(message, path))] as const] : [];
  });
  return {
    ...(source && { source: unnamedSource(seenSource(source, spec.input.path)) }),
    sources: Object.fromEntries(further),
  };
}

/** `path`: as its user named it. @throws invalid-argument — nobody can have seen that */
function seenSource(message: SeenMessage | undefined, path: string): SeenSource {
  const seen = SEEN.safeParse(message);
  if (message === undefined || !seen.success) {
    throw new BivdiffError('invalid-argument', `the request does not say what is in ${path}`);
  }
  const { alpha, sound } = message;
  return {
    ...{ ...seen.data, path, alpha },
    ...(sound && {
      sound: {
        ...{ codec: sound.codec, firstFrameSeconds: sound.firstFrameSeconds },
        ...(sound.steadyRate === undefined ? {} : { steadyRate: sound.steadyRate }),
      },
    }),
  };
}
