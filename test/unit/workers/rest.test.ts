// A worker's rest: begins once, ends by itself, and lets nobody wait for ever.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Rest } from '../../../workers/rest.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NEVER = new AbortController().signal;

it('keeps who wants to take something until it is over', async () => {
  const rest = new Rest();
  await rest.over(NEVER);
  const pull = rest.signal;
  const onOver = vi.fn();
  rest.begin(1_000, onOver);
  rest.begin(5_000, onOver);
  expect(rest.isResting).toBe(true);
  expect(pull.aborted).toBe(true);
  let isOver = false;
  const waiting = rest.over(NEVER).then(() => (isOver = true));
  await vi.advanceTimersByTimeAsync(999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await waiting;
  expect(rest.isResting).toBe(false);
  expect(rest.signal.aborted).toBe(false);
  expect(onOver).toHaveBeenCalledTimes(1);
});

it('is left at once by a worker that ends', async () => {
  const rest = new Rest();
  rest.begin(1_000, () => undefined);
  const ending = new AbortController();
  const waiting = rest.over(ending.signal);
  ending.abort();
  await waiting;
  await rest.over(ending.signal);
});
