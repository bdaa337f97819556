// Goal: sound is kept where that can be, and else all that stands against it is told before anything runs; a job that does not ask for it
// is the job that it was. That formats carry what they are said to carry is held by test/integration/workers/media/kept-sound.test.ts.

import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import type { Task } from '../../../../common/task.ts';
import { acceptSpec } from '../../../../coordinator/domain/accept.ts';
import type { SourceFacts } from '../../../../coordinator/domain/check-sources.ts';
import { createPlan, tasksOfStage } from '../../../../coordinator/domain/plan.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';
import { madeUpModels } from '../../../support/made-up-models.ts';

const numerics = { inference: 'cpu-test', media: 'media-test', plain: 'plain' };
const AAC = { codec: 'aac', firstFrameSeconds: 1.48, steadyRate: 23.976 };
const DIGEST = digestText('clip');

interface Asked {
  readonly sound?: SourceFacts['sound'];
  readonly input?: object;
  readonly output?: object;
  readonly part?: object;
}

/** The tasks that make the files of a job of 8 frames. */
function assembling({ input = {}, output = {}, part = {}, ...asked }: Asked): readonly Task[] {
  const size = { frames: 48, width: 64, height: 32, alpha: false };
  const sound = 'sound' in asked ? asked.sound : AAC;
  const source = { kind: 'video', digest: DIGEST, path: 'clip.mp4', ...size, sound } as const;
  const whole = { apiVersion: 'bivdiff/v1', task: 'frames', prompt: 'go', ...part };
  const spec = parseRenderSpec(
    {
      ...whole,
      input: { path: 'clip.mp4', stride: 1, ...input },
      output: { audio: 'keep', framesPerSecond: 23.976, ...output },
    },
    'the test',
  );
  const plan = createPlan(acceptSpec({ spec, models: madeUpModels(), source, numerics }));
  return tasksOfStage(plan, 'assemble').map((ref) => plan.task(ref));
}

function problemsOf(asked: Asked): unknown {
  try {
    assembling(asked);
  } catch (reason) {
    return BivdiffError.from(reason).details['problems'];
  }
  return [];
}

describe('sound that is kept', () => {
  it('makes the source an input of the clip, and of nothing else', () => {
    const [clip, ...others] = assembling({ output: { comparison: true, contactSheet: true } });
    expect(clip!.sources).toEqual({ video: DIGEST });
    expect(clip!.params).toMatchObject({ sound: { fromSeconds: 1.48 } });
    const plain = assembling({ output: { comparison: true, contactSheet: true, audio: 'none' } });
    expect(others.map(({ id }) => id)).toEqual(plain.slice(1).map(({ id }) => id));
    expect(others).toHaveLength(2);
  });

  it('leaves tasks of jobs without it as they were', () => {
    const absent = assembling({ output: { audio: undefined } });
    expect(assembling({ output: { audio: 'none' } })).toEqual(absent);
    expect(absent[0]!.sources).toEqual({});
    expect(absent[0]!.params).toEqual({ layout: 'clip', format: 'mp4', framesPerSecond: 23.976 });
  });

  it.each([
    ['the start', { input: { start: 12 } }, 12],
    ['a part of the clip', { part: { frames: 8, part: { first: 3, last: 6 } } }, 3],
    ['both', { input: { start: 12 }, part: { frames: 8, part: { first: 3, last: 6 } } }, 15],
  ])('begins with %s', (_, asked, frame) => {
    const from = 1.48 + (frame * 1001) / 24000;
    const [clip] = assembling(asked);
    const { fromSeconds } = clip!.params['sound'] as { fromSeconds: number };
    expect(fromSeconds).toBeCloseTo(from, 6);
  });
});

describe('sound that cannot be kept', () => {
  it('is refused with every reason at once', () => {
    const sound = { codec: 'aac', firstFrameSeconds: 0, steadyRate: 25 };
    expect(problemsOf({ sound, input: { stride: 4 }, output: { format: 'webm' } })).toEqual([
      'input.stride: 4, and sound is kept only beside every frame of the source; choose 1, or no sound',
      'output.format: webm cannot carry the sound of clip.mp4 as it is (codec aac); choose mp4, mp4-hevc, mp4-av1, mov, mkv',
      "output.framesPerSecond: 23.976, and sound is kept only at the source's own rate; choose 25",
    ]);
  });

  it.each([
    ['no sound', { sound: undefined }],
    ['no steady rate', { sound: { codec: 'aac', firstFrameSeconds: 0 } }],
    ['no format for its codec', { sound: { ...AAC, codec: 'wmav2' } }],
  ])('because the source has %s', (_, asked) => {
    const [problem, ...others] = problemsOf({ ...asked }) as string[];
    expect(problem).toMatch(/^output\.audio: .*clip\.mp4/);
    expect(others).toEqual([]);
  });

  it.each(['gif', 'png-sequence', 'png16-sequence'])(
    'in %s, which has no place for it',
    (format) => {
      expect(problemsOf({ output: { format } })).toEqual([
        `output.format: ${format} has no place for sound; choose mp4, mp4-hevc, mp4-av1, mov, mkv`,
      ]);
    },
  );

  it('in a rate that only looks like the source’s', () => {
    expect(problemsOf({ output: { framesPerSecond: 24 } })).toEqual([
      expect.stringMatching(/^output\.framesPerSecond: 24, .* choose 23\.976$/),
    ]);
  });
});
