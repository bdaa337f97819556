import { describe, expect, it } from 'vitest';

import { parseRenderSpec } from '../../../recipes/spec/parse.ts';
import { standInFor } from '../../../recipes/spec/stand-in.ts';

const WHOLE = {
  ...{ apiVersion: 'bivdiff/v1', task: 'controlnet', prompt: 'p' },
  input: { path: '/a.mp4', start: 3 },
  seeds: [{ frames: '2', seed: 1 }],
};

describe('a stand-in', () => {
  it('for a valid spec is the spec', () => {
    expect(standInFor(WHOLE)).toEqual({ spec: parseRenderSpec(WHOLE, 'the test'), unknown: [] });
  });

  it.each([
    ['a value out of range', { frames: 0 }, ['frames']],
    ['a value of another kind', { input: 7 }, ['input', 'input.path']],
    ['a value below another', { input: { path: '/a.mp4', start: -1 } }, ['input.start']],
    ['what is missing below another', { input: { start: 3 } }, ['input.path']],
    ['one of a list', { seeds: [{ frames: '2', seed: 1 }, 'x'] }, ['seeds']],
    ['one side of a size', { size: { width: 64, height: 1 } }, ['size.height', 'size']],
    ['a text of another form', { size: 'x' }, ['size']],
    ['a task that is none', { task: 'x' }, ['task']],
    ['a prompt that is missing', { prompt: undefined }, ['prompt']],
    [
      'several',
      { frames: 0, steps: 'x', bridging: { strategy: 'y' } },
      [...['frames', 'steps', 'bridging.strategy']],
    ],
    ['what no spec has', { frmes: 3 }, []],
    ['what another task has', { mask: { path: '/m.png' } }, []],
  ])('leaves out %s', (_, changes, unknown) => {
    const found = standInFor({ ...WHOLE, ...changes });
    expect([...found.unknown].sort()).toEqual([...unknown].sort());
    const { spec } = found;
    expect(parseRenderSpec(JSON.parse(JSON.stringify(spec)), 'the test')).toEqual(spec);
  });

  it.each([
    [{ mask: { rectangle: '1,2,3,4' } }, 'inpainting'],
    [{ control: { type: 'depth' } }, 'controlnet'],
    [{ guidanceScale: 7 }, 'controlnet'],
    [{ mask: {}, control: {} }, 'frames'],
    [{}, 'frames'],
  ])('takes the task that has what was given: %j', (own, task) => {
    const { spec, unknown } = standInFor({ ...WHOLE, task: undefined, ...own });
    expect(spec.task).toBe(task);
    expect(unknown).toEqual(['task']);
  });

  it.each([[undefined], [null], ['text'], [{}], [[1]]])('can be had for %j', (value) => {
    expect(standInFor(value).unknown).toEqual(expect.arrayContaining(['task', 'prompt']));
  });
});
