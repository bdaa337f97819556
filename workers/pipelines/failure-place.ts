// Says in an error where in the render it happened: which stage, frames and step.

import { BivdiffError } from '../../common/errors.ts';

/**
 * Runs the work; an operational error gets `place` before its message and keeps everything else. A cancellation passes as it
 * is, and so does a defect.
 */
export async function whileDoing<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    if (!(reason instanceof BivdiffError) || reason.code === 'cancelled') throw reason;
    throw new BivdiffError(reason.code, `${place}: ${reason.message}`, {
      retry: reason.retry,
      details: reason.details,
      ...(reason.hint === undefined ? {} : { hint: reason.hint }),
      ...(reason.cause === undefined ? {} : { cause: reason.cause }),
    });
  }
}

/** Say `frame 4`, or `frames 4 to 11`. */
export function framesText(frames: readonly number[]): string {
  const [first] = frames;
  const last = frames.at(-1);
  return first === last ? `frame ${String(first)}` : `frames ${String(first)} to ${String(last)}`;
}
