import { describe, expect, it } from 'vitest';

import { contentsOf, ProblemList, restingOn } from '../../../common/problems.ts';

describe('a list of problems', () => {
  it('has each once, in order', () => {
    const problems = new ProblemList();
    problems.push('steps: 0', 'size: 7x7', 'steps: 0');
    restingOn(problems, 'frames').push('cuts: there is no frame 9');
    expect(problems.told).toEqual(['steps: 0', 'size: 7x7', 'cuts: there is no frame 9']);
  });

  it.each([
    ['frames', 'frames: 5 are too many', false],
    ['frames', 'frameBatch: 5 are too many', true],
    ['mask', 'mask.path: missing', false],
    ['mask.to', 'mask: nothing is left', false],
    ['mask.to', 'mask.path: missing', true],
    ['task', '/a/b.mp4: no such file', true],
    [contentsOf('input.path'), 'input.path: is an output', true],
  ])('with %s unknown, tells %j: %s', (unknown, problem, isTold) => {
    const problems = new ProblemList([unknown]);
    problems.push(problem);
    expect(problems.told).toEqual(isTold ? [problem] : []);
  });

  it('leaves out what rests on something unknown, however far down', () => {
    const problems = new ProblemList(['input.start', contentsOf('models')]);
    restingOn(problems, 'input').push('cuts: a');
    restingOn(problems, contentsOf('models')).push('size: b');
    restingOn(restingOn(problems, contentsOf('models')), 'window').push('window: c');
    restingOn(restingOn(problems, 'window'), 'input.start').push('window: d');
    restingOn(restingOn(problems, 'window'), 'input.stride').push('window: e');
    expect(problems.told).toEqual(['window: e']);
  });
});

describe('a plain list', () => {
  it('takes all of them', () => {
    const problems: string[] = [];
    restingOn(problems, 'frames').push('cuts: a');
    expect(problems).toEqual(['cuts: a']);
  });
});
