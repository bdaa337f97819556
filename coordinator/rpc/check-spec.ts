// Whether a spec would be accepted with sources that its client alone has seen so far: asked before anything is uploaded.

import { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';
import type {
  CheckSpecRequest,
  SeenSource as SeenMessage,
} from '../../common/gen/bivdiff/v1/render_service.ts';
import { RenderSpec as SpecMessage } from '../../common/gen/bivdiff/v1/render_spec.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import { parseRenderSpec } from '../../recipes/spec/parse.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { SeenSource } from '../domain/check-sources.ts';
import { checkNames, checkPriority, checkProtocol, specOfMessage } from './accept-submission.ts';
import type { Caller } from './access/caller.ts';
import { checkSpecLimits } from './spec-limits.ts';

/** The job that it would be, but for what its sources are called. @throws as `AcceptOptions.accept` */
export type CheckSeen = (
  spec: RenderSpec,
  source: SeenSource,
  sources: Readonly<Record<string, SeenSource>>,
) => Promise<AcceptedJob>;

const count = z.int().min(1);
const SEEN = z.object({ frames: count, width: count, height: count });

/** @throws as `acceptSubmission`, as far as that can be told by what the client has seen */
export async function checkSpec(
  request: CheckSpecRequest,
  caller: Caller,
  { check, limits }: { readonly check: CheckSeen; readonly limits: FarmLimits },
): Promise<void> {
  checkProtocol(request.protocol);
  checkPriority(request.priority, caller);
  const bytes = request.spec && SpecMessage.encode(request.spec).finish().byteLength;
  const spec = parseRenderSpec(specOfMessage(request.spec), 'the request');
  checkSpecLimits(spec, limits, bytes);
  const named = new Map(request.sources.map((one) => [one.name, one]));
  checkNames(spec, named.keys());
  const further = furtherSources(spec).map(
    ({ name, path }) => [name, seenSource(named.get(name), path)] as const,
  );
  const first = seenSource(request.source, spec.input.path);
  const job = await check(spec, first, Object.fromEntries(further));
  checkSpecLimits({ ...job, size: job }, limits);
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
