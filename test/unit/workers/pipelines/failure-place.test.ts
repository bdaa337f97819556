import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { framesText, whileDoing } from '../../../../workers/pipelines/failure-place.ts';

async function failWith(reason: unknown): Promise<unknown> {
  const work = whileDoing('smooth frames 0 to 7, step 3 of 50', () => Promise.reject(reason));
  return work.catch((thrown: unknown) => thrown);
}

describe('whileDoing', () => {
  it('puts the place before the message and keeps the rest', async () => {
    const cause = new BivdiffError('unavailable', 'below');
    const details = { graph: 'video/unet' };
    const failure = new BivdiffError('internal', 'graph video/unet: NaN', {
      retry: 'never',
      hint: 'Try float32.',
      details,
      cause,
    });
    expect(await failWith(failure)).toMatchObject({
      code: 'internal',
      message: 'smooth frames 0 to 7, step 3 of 50: graph video/unet: NaN',
      retry: 'never',
      hint: 'Try float32.',
      details,
      cause,
    });
  });

  it.each([new BivdiffError('cancelled', 'smooth was cancelled'), new TypeError('a defect')])(
    'lets $name: $message pass as it is',
    async (reason) => {
      expect(await failWith(reason)).toBe(reason);
    },
  );

  it('gives what the work gave', async () => {
    expect(await whileDoing('decode', () => Promise.resolve(7))).toBe(7);
  });
});

describe('framesText', () => {
  it('names one frame or the first and the last', () => {
    expect(framesText([4])).toBe('frame 4');
    expect(framesText([4, 5, 6])).toBe('frames 4 to 6');
  });
});
