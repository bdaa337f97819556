import { expect, it } from 'vitest';

import { idleParts } from '../../../../cli/local/idle-parts.ts';
import { STAGES } from '../../../../common/task.ts';
import type { Digest, Stage } from '../../../../common/task.ts';
import { nodesOf } from '../../../../recipes/job.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const job = acceptedJob();

it('gives each model once, when the last stage that runs it is done', () => {
  const take = idleParts(job);
  const done = new Set<Stage>();
  const taken: Digest[] = [];
  for (const stage of STAGES) {
    done.add(stage);
    const now = take((one) => done.has(one));
    // None of them is run later.
    const later = nodesOf(job).filter((node) => !done.has(node.stage));
    const wanted = later.flatMap(({ models }) => Object.values(models));
    expect(now.filter((digest) => wanted.includes(digest))).toEqual([]);
    taken.push(...now);
    // All others are.
    const held = nodesOf(job).flatMap(({ models }) => Object.values(models));
    expect(new Set([...taken, ...wanted])).toEqual(new Set(held));
  }
  expect(taken).toHaveLength(new Set(taken).size);
  expect(take(() => true)).toEqual([]);
});
