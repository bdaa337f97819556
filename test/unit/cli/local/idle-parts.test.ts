import { expect, it } from 'vitest';

import { idleParts } from '../../../../cli/local/idle-parts.ts';
import type { StageStand } from '../../../../cli/local/idle-parts.ts';
import { STAGES } from '../../../../common/task.ts';
import type { Digest, Stage } from '../../../../common/task.ts';
import { nodesOf } from '../../../../recipes/job.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const job = acceptedJob({ mixingRatio: 0.5 });
const stagesOfJob = STAGES.filter((stage) => nodesOf(job).some((node) => node.stage === stage));

function partsOf(...stages: readonly Stage[]): Digest[] {
  const nodes = nodesOf(job).filter(({ stage }) => stages.includes(stage));
  return [...new Set(nodes.flatMap(({ models }) => Object.values(models)))];
}

/** All before `at` are done, it stands so, the others are ahead. */
function standing(at: Stage, stand: StageStand): (stage: Stage) => StageStand {
  return (stage) => {
    if (stage === at) return stand;
    return STAGES.indexOf(stage) < STAGES.indexOf(at) ? 'done' : 'ahead';
  };
}

it('gives what a finished stage ran, but for what the next one runs too', () => {
  const take = idleParts(job);
  const idle = new Map<Stage, Digest[]>();
  for (const stage of stagesOfJob) {
    expect(take(standing(stage, 'ahead'))).toEqual([]);
    expect(take(standing(stage, 'begun'))).toEqual([]);
    idle.set(stage, take(standing(stage, 'done')));
  }
  expect(idle.get('generate')).toContain(job.models.vaeDecoder.digest);
  expect(idle.get('encode')).toContain(job.models.vaeEncoder.digest);
  // Smoothing runs the video model next.
  expect(idle.get('invert-video')).not.toContain(job.models.videoUnet.digest);
  expect(idle.get('smooth')).toContain(job.models.videoUnet.digest);
  expect(idle.get('decode')).toEqual(partsOf('decode'));
});

it('gives nothing that a stage runs which has begun', () => {
  const take = idleParts(job);
  const stand = (done: readonly Stage[]) => (stage: Stage) =>
    done.includes(stage) ? 'done' : 'begun';
  expect(take(stand([]))).toEqual([]);
  const idle = take(stand(['generate']));
  expect(idle).toContain(job.models.controlUnet.digest);
  expect(idle).not.toContain(job.models.vaeDecoder.digest);
});
