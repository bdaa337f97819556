// Tune-A-Video among the baselines: where a source's text lies, what is asked for, and the spec of the render by the tuned model.

import { describe, expect, it } from 'vitest';

import { tuneOptions } from '../../../../cli/compare/accept-tuned.ts';
import { sourceTextPath } from '../../../../cli/compare/source-text.ts';
import { tunedSpec } from '../../../../cli/compare/tuned-set.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { createSampleEnvironment } from '../sample-environment.ts';

describe('what a source shows', () => {
  it('stands beside it, under its name', () => {
    expect(sourceTextPath('/clips/star.mp4', 'video')).toBe('/clips/star.txt');
    expect(sourceTextPath('/clips/star.v2.mkv', 'video')).toBe('/clips/star.v2.txt');
    expect(sourceTextPath('/clips/frames.v2/', 'folder')).toBe('/clips/frames.v2.txt');
  });
});

describe('the Python that tunes', () => {
  const environment = createSampleEnvironment({ python: 'python3.11' });

  it('is the one that was typed, else that of the variable', () => {
    const typed = { python: '.venv/bin/python', tuneSteps: '3' };
    expect(tuneOptions(typed, environment)).toEqual({
      steps: 3,
      tuner: { python: '/work/.venv/bin/python', calledAs: '--python', modelsFolder: '/shipped' },
    });
    const { tuner, steps } = tuneOptions({}, environment);
    expect(tuner).toMatchObject({ python: 'python3.11', calledAs: 'BIVDIFF_PYTHON' });
    expect(steps).toBe(400);
    expect(tuneOptions({}, createSampleEnvironment()).tuner).toBeUndefined();
  });

  it('is refused where it has no name', () => {
    expect(() => tuneOptions({ python: '' }, environment)).toThrow('--python: expected a program');
  });
});

describe('the render by a tuned model', () => {
  it('keeps what is said of the clip and the result, and nothing of the bridge or the frames', () => {
    const clip = {
      ...{ apiVersion: 'bivdiff/v1', prompt: 'a green star', negativePrompt: 'blurry', seed: 7 },
      ...{ input: { path: '/clips/star.mp4', start: 2, stride: 3 }, frames: 24, size: '64x32' },
      ...{ resize: 'cover', steps: 20, cuts: [12], output: { framesPerSecond: 12 } },
    };
    const spec = parseRenderSpec(
      {
        ...{ ...clip, task: 'controlnet', control: { scale: 0.5 } },
        ...{ models: '/sets/mine', videoModel: 'vidrd', videoGuidanceScale: 4, mixingRatio: 1 },
        ...{ bridging: { strategy: 'image-only' }, window: 8, long: 'blend', windowStride: 4 },
      },
      'the test',
    );
    const own = { task: 'frames', models: '/cache/tuned', videoModel: 'tune-a-video' };
    expect(tunedSpec(spec, '/cache/tuned')).toEqual(
      parseRenderSpec({ ...clip, ...own }, 'the test'),
    );
  });
});
