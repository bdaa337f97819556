// A store or a bus whose failures are noted: everything else of it is as it was.

import { BivdiffError } from '../../../common/errors.ts';

/** No fault of the store or bus: somebody asked for it, or another was first. */
const EXPECTED: readonly string[] = ['cancelled', 'aborted'];

/** The same object, but that `onFailure` hears of each call that fails, and of each iteration. */
export function observed<T extends object>(target: T, onFailure: (error: BivdiffError) => void): T {
  const note = (reason: unknown): void => {
    const error = BivdiffError.from(reason);
    if (!EXPECTED.includes(error.code)) onFailure(error);
  };
  return new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value, target, given);
        if (answer instanceof Promise) answer.catch(note);
        return isIterable(answer) ? notedIteration(answer, note) : answer;
      };
    },
  });
}

function isIterable(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer;
}

async function* notedIteration(
  pieces: AsyncIterable<unknown>,
  note: (reason: unknown) => void,
): AsyncGenerator<unknown> {
  try {
    yield* pieces;
  } catch (reason) {
    note(reason);
    throw reason;
  }
}
