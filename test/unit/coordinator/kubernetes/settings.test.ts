import { describe, expect, it } from 'vitest';

import type { BivdiffError } from '../../../../common/errors.ts';
import { readKubernetesSettings } from '../../../../coordinator/kubernetes/settings.ts';

const read = (text: string) => readKubernetesSettings(text, 'k.yaml');

function problemsOf(text: string): readonly string[] {
  try {
    read(text);
  } catch (reason) {
    return (reason as BivdiffError).details['problems'] as string[];
  }
  return [];
}

describe('the file of --kubernetes', () => {
  it('may say nothing', () => {
    expect(read('')).toEqual({});
    expect(read('# nothing\n')).toEqual({});
  });

  it('has defaults for all that is not a name', () => {
    const text = `
leaderElection: {}
leaderLabel: bivdiff.dev/leader
scaler: { pools: { idm: { deployment: bivdiff-idm, max: 8 } } }
renders: {}
`;
    expect(read(text)).toEqual({
      leaderElection: {
        ...{ lease: 'bivdiff-coordinator', identity: 'POD_NAME' },
        ...{ leaseSeconds: 10, renewSeconds: 6, retrySeconds: 2 },
      },
      leaderLabel: 'bivdiff.dev/leader',
      scaler: {
        targetSeconds: 600,
        pools: {
          idm: {
            ...{ deployment: 'bivdiff-idm', min: 0, max: 8, slotsPerWorker: 1 },
            ...{ cooldownSeconds: 120, startSeconds: 300 },
          },
        },
      },
      renders: { owner: 'kubernetes', priorityMax: 50 },
    });
  });

  it('is refused with all that is wrong with it at once', () => {
    const text = `
namespace: Bivdiff
leaderElection: { leaseSeconds: 5, renewSeconds: 6, retrySeconds: 4 }
scaler:
  pools:
    idm: { deployment: bivdiff-idm, min: 9, max: 8 }
    gpu: { deployment: x, max: 1 }
leader: x
renders: { owner: Team A, priorityMax: 101 }
`;
    const problems = problemsOf(text);
    for (const part of [
      'k.yaml: namespace: expected a namespace',
      'k.yaml: renders.owner: expected letters a-z',
      'k.yaml: renders.priorityMax: Too big',
      'k.yaml: leaderElection.renewSeconds: must be less than leaseSeconds (5)',
      'k.yaml: leaderElection.retrySeconds: must be at most half of renewSeconds (6)',
      'k.yaml: scaler.pools.idm.min: must be at most max (8)',
      'k.yaml: scaler.pools: Unrecognized key: "gpu"',
      'k.yaml: the file: Unrecognized key: "leader"',
    ])
      expect(problems.join('\n')).toContain(part);
  });

  it('is refused where it is no YAML, no mapping, or scales nothing', () => {
    expect(problemsOf('a: [')[0]).toMatch(/^k\.yaml: /);
    expect(problemsOf('- a')[0]).toContain('k.yaml: the file: ');
    expect(problemsOf('scaler: { pools: {} }')).toEqual(['k.yaml: scaler.pools: names no pool']);
  });
});
