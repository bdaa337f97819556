// Looks at every source that a request names, as far as these can be read: what is wrong with one hides nothing of the others.

import { ProblemList } from '../../common/problems.ts';
import type { SeenSource } from '../../coordinator/domain/check-sources.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { lookedAt } from './request-problems.ts';
import type { RequestProblem } from './request-problems.ts';

export interface SeenSources {
  /** Absent where it could not be read. */
  readonly source?: SeenSource;
  /** By name, those that could be. */
  readonly sources: Readonly<Record<string, SeenSource>>;
  /** The fields that name the others. */
  readonly unread: readonly string[];
  readonly problems: readonly RequestProblem[];
}

/** What is looked at is as `unknown` leaves it: a path that is none is told of elsewhere. */
export async function lookAtSources(
  { spec, unknown }: { readonly spec: RenderSpec; readonly unknown: readonly string[] },
  see: (path: string) => Promise<Omit<SeenSource, 'path'>>,
): Promise<SeenSources> {
  const problems: RequestProblem[] = [];
  const unread: string[] = [];
  const list = new ProblemList(unknown);
  const lookAt = async (path: string, field: string): Promise<SeenSource | undefined> => {
    const isNamed = !list.isUnknown(field);
    const seen = isNamed ? await lookedAt(() => see(path), problems, field) : undefined;
    if (seen === undefined) unread.push(field);
    return seen && { ...seen, path };
  };
  const source = await lookAt(spec.input.path, 'input.path');
  const sources: Record<string, SeenSource> = {};
  for (const { name, field, path } of furtherSources(spec)) {
    const seen = await lookAt(path, field);
    if (seen !== undefined) sources[name] = seen;
  }
  return { ...(source && { source }), sources, unread, problems };
}
