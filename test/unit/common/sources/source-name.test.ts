import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { aboutSource, nameSource } from '../../../../common/sources/source-name.ts';

const hint = 'Copy or download it again.';

describe('an error about a copy of the source', () => {
  it('names the file as its user knows it, as do its causes', () => {
    const cause = new Error('cannot open /tmp/bivdiff-source-x/3/the source: odd');
    const own = new BivdiffError('invalid-argument', 'the source is damaged', {
      ...{
        hint,
        cause,
        details: { path: '/tmp/bivdiff-source-x/3/the source', readableFrames: 4 },
      },
    });
    const task = new BivdiffError('invalid-argument', `ingest of frame 4 failed: ${own.message}`, {
      cause: own,
    });
    const named = nameSource(task, { source: '/home/me/my holiday.mp4' });
    expect(named).toMatchObject({
      code: 'invalid-argument',
      retry: 'never',
      message: 'ingest of frame 4 failed: my holiday.mp4 is damaged',
    });
    expect(named.cause).toMatchObject({
      ...{ message: 'my holiday.mp4 is damaged', hint },
      details: { path: '/home/me/my holiday.mp4', readableFrames: 4 },
      cause: { message: 'cannot open my holiday.mp4: odd' },
    });
  });

  it('names a picture by the folder that its user knows', () => {
    const error = new BivdiffError('invalid-argument', 'the source/f_3.png is damaged');
    expect(nameSource(error, { source: '/home/me/frames' }).message).toBe(
      'frames/f_3.png is damaged',
    );
  });

  it('names the one of several that it is about', () => {
    const [clip, mask] = [digestText('clip'), digestText('mask')];
    const names = { source: '/home/me/clip.mp4', others: { [mask]: '/home/me/mask.gif' } };
    const error = new BivdiffError('invalid-argument', 'the source is damaged');
    expect(nameSource(aboutSource(error, mask), names).message).toBe('mask.gif is damaged');
    expect(nameSource(aboutSource(error, clip), names).message).toBe('clip.mp4 is damaged');
    expect(aboutSource(error, mask).toJSON()).toEqual({
      ...error.toJSON(),
      details: { source: mask },
    });
  });
});

describe('any other error', () => {
  it('stays the same one', () => {
    const error = new BivdiffError('internal', 'NaN in the resources', { details: { path: '/a' } });
    expect(nameSource(error, { source: 'clip.mp4' })).toBe(error);
    expect(nameSource(error, {})).toBe(error);
  });
});
