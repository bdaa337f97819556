// What does not fit is refused with what is missing, and every setting that is named does fit.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { checkMemoryFit } from '../../../../coordinator/domain/memory-fit.ts';
import type { Fit } from '../../../../coordinator/domain/memory-fit.ts';
import type { AcceptedJob } from '../../../../recipes/job.ts';
import { acceptedJob } from '../../../support/jobs.ts';

const MIB = 2 ** 20;
const config = { block_out_channels: [320, 640] };
const { inversionUnet } = acceptedJob().models;
const SIZE = { width: 512, height: 256 };

function fitOf(hasBytes: number | undefined, more: Partial<Fit> = {}): Fit {
  return {
    // The graph of a window alone: what else is run takes less.
    partOf: (digest) =>
      digest === inversionUnet.digest
        ? { name: 'image/unet', config, weightBytes: 500 * MIB, formBytes: () => undefined }
        : undefined,
    ...{ threads: 1, sizeMultiple: 64, slots: 1, retry: 'never', whose: 'this process' },
    hasBytes: () => hasBytes,
    moreMemory: ({ bytes }) => `${bytes} bytes`,
    ...more,
  };
}

function refusal(job: AcceptedJob, fit: Fit): BivdiffError {
  try {
    checkMemoryFit(job, fit);
  } catch (reason) {
    return BivdiffError.from(reason);
  }
  throw new BivdiffError('internal', 'it was not refused');
}

describe('a job that does not fit', () => {
  const job = acceptedJob({ ...SIZE, frames: 16, window: 16, normScope: 'window' });

  it('is refused with the stage, what it needs, what there is and what is missing', () => {
    const error = refusal(job, fitOf(1000 * MIB));
    expect(error).toMatchObject({ code: 'resource-exhausted', retry: 'never' });
    expect(error.message).toMatch(
      /^invert-image needs \d+\.\d GiB of memory \(image\/unet: 0\.5 GiB loaded, \d\.\d GiB for a run at 512x256\), and this process has 1\.0 GiB: \d\.\d GiB are missing$/,
    );
    const { bytes, limit, missing } = error.details as Record<string, number>;
    expect(missing).toBe(bytes! - limit!);
  });

  it('fits with each of the settings that are named, and not with a little more', () => {
    const fit = fitOf(1000 * MIB);
    const { hint = '' } = refusal(job, fit);
    const [, width = '', height = ''] = /--size (\d+)x(\d+)/.exec(hint) ?? [];
    const [, window = ''] = /--window (\d+)/.exec(hint) ?? [];
    const [, bytes = ''] = /(\d+) bytes/.exec(hint) ?? [];
    const smaller = { ...job, width: Number(width), height: Number(height) };
    expect(() => checkMemoryFit(smaller, fit)).not.toThrow();
    expect(() => checkMemoryFit({ ...smaller, width: smaller.width + 128 }, fit)).toThrow();
    expect(() => checkMemoryFit({ ...job, window: Number(window) }, fit)).not.toThrow();
    expect(() => checkMemoryFit({ ...job, window: Number(window) + 1 }, fit)).toThrow();
    expect(() => checkMemoryFit(job, fitOf(Number(bytes)))).not.toThrow();
    expect(() => checkMemoryFit(job, fitOf(Number(bytes) - 1))).toThrow();
  });

  it('is told of fewer slots, as many as fit', () => {
    const all = 8000 * MIB;
    const { hint = '' } = refusal(job, fitOf(all / 8, { slots: 8 }));
    const slots = Number(/--slots (\d+)/.exec(hint)?.[1]);
    expect(() => checkMemoryFit(job, fitOf(all / slots))).not.toThrow();
    expect(() => checkMemoryFit(job, fitOf(all / (slots + 1)))).toThrow();
  });

  it('is told of no setting that would not help', () => {
    const { hint } = refusal(job, fitOf(100 * MIB, { slots: 1 }));
    expect(hint).toMatch(/^It would fit with \d+ bytes\.$/);
  });
});

describe('a job', () => {
  it('is not refused where it fits, or nobody knows what there is', () => {
    const job = acceptedJob({ ...SIZE, frames: 16, window: 16 });
    expect(() => checkMemoryFit(job, fitOf(2 ** 36))).not.toThrow();
    expect(() => checkMemoryFit(job, fitOf(undefined))).not.toThrow();
  });
});
