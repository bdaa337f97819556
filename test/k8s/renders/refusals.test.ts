// Goal: what cannot be right in a Render is refused by the API server, before anything is stored. Method: the chart's definition on a real API
// server, and kubectl as a user has it.

import { describe, expect, it } from 'vitest';

import { applyRender, useRenders } from '../../support/kubernetes/renders/render-place.ts';
import type { Spec } from '../../support/kubernetes/renders/render-place.ts';

const { plane } = useRenders();

describe('the API server', () => {
  const namespace = 'refusals';
  const cases: readonly (readonly [string, Spec, string])[] = [
    ['a mixing ratio above 1', { render: { mixingRatio: 1.5 } }, 'spec.render.mixingRatio'],
    ['no steps', { render: { steps: 0 } }, 'spec.render.steps'],
    ['a window that is too long', { render: { window: 2000 } }, 'spec.render.window'],
    ['no frames a second', { render: { output: { framesPerSecond: 0 } } }, 'framesPerSecond'],
    ['an unknown task', { render: { task: 'dream' } }, 'supported values: "controlnet", "frames"'],
    ['a size in words', { render: { size: 'large' } }, 'spec.render.size'],
    [
      'a setting of another task',
      { render: { task: 'frames' } },
      'control: is for task controlnet',
    ],
    ['an unknown setting', { render: { promt: 'a' } }, 'unknown field "spec.render.promt"'],
    ['a priority above 100', { priority: 101 }, 'spec.priority'],
    ['no source', { source: {} }, 'give one of path, video and folder'],
    [
      'two sources',
      { source: { path: 'a.mp4', video: 'ab'.repeat(32) } },
      'give one of path, video and folder',
    ],
    ['a source that is none', { source: { video: 'clip' } }, 'spec.source.video'],
    [
      'a mask that is two',
      { sources: { mask: { path: 'a.mp4', video: 'ab'.repeat(32) } } },
      'give one of path, video and folder',
    ],
    ['a mask that leads out', { sources: { mask: { path: '../b' } } }, 'below the folder of'],
    [
      'a source that no task has',
      { sources: { veil: { path: 'a.mp4' } } },
      'unknown field "spec.sources.veil"',
    ],
    [
      'the path of a mask among the settings',
      { render: { mask: { path: 'a.mp4' } } },
      'unknown field "spec.render.mask.path"',
    ],
    ['an absolute path', { source: { path: '/etc/passwd' } }, 'below the folder of sources'],
    ['an address', { source: { path: 's3://a/b.mp4' } }, 'addresses are not taken: upload'],
    ['a path that leads out', { source: { path: 'a/../../b' } }, 'below the folder of sources'],
  ];

  it('takes what is right, and refuses what is out of range before it is stored', async () => {
    await plane().createNamespace(namespace);
    expect((await applyRender(plane(), { namespace, name: 'right' }, { suspend: true })).err).toBe(
      '',
    );
    for (const [what, spec, sentence] of cases) {
      const { code, err } = await applyRender(plane(), { namespace, name: 'wrong' }, spec);
      expect(code, what).toBe(1);
      expect(err, what).toContain(sentence);
    }
  });

  it('changes nothing of a Render but whether it is suspended, and its priority', async () => {
    expect(
      (await applyRender(plane(), { namespace, name: 'right' }, { suspend: false, priority: 3 }))
        .err,
    ).toBe('');
    const immutable: readonly (readonly [Spec, string])[] = [
      [{ render: { seed: 8 } }, 'render is immutable'],
      [{ source: { path: 'other.mp4' } }, 'source is immutable'],
      [{ sources: { mask: { path: 'other.mp4' } } }, 'sources is immutable'],
      [{ ttlSecondsAfterFinished: 5 }, 'ttlSecondsAfterFinished is immutable'],
    ];
    for (const [spec, sentence] of immutable) {
      const { code, err } = await applyRender(plane(), { namespace, name: 'right' }, spec);
      expect(code, sentence).toBe(1);
      expect(err).toContain(sentence);
    }
  });
});
