// A fresh store for each test of a describe block, and the few things that every case does with it.

import { afterEach, beforeEach, expect } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import type { ErrorCode } from '../../../../common/errors.ts';
import type { StoreHarness } from './store-harness.ts';

/** Call inside `describe`; the returned function gives the current test's store. */
export function useStore(makeStore: () => Promise<StoreHarness>): () => StoreHarness {
  let harness: StoreHarness | undefined;
  beforeEach(async () => {
    harness = await makeStore();
  });
  afterEach(async () => {
    await harness?.store.close();
    await harness?.dispose();
  });
  return () => {
    if (harness === undefined) throw new Error('no store yet: use it inside a test');
    return harness;
  };
}

/** The error that the action ends with, which must have this code. */
export async function failureOf(action: Promise<unknown>, code: ErrorCode): Promise<BivdiffError> {
  const reason = await action.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(BivdiffError);
  expect((reason as BivdiffError).code).toBe(code);
  return reason as BivdiffError;
}

export function flipBit(index: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) =>
    bytes.with(index < 0 ? bytes.length + index : index, (bytes.at(index) ?? 0) ^ 1);
}

export function cutTo(length: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => bytes.slice(0, length);
}

export const remove = (): undefined => undefined;
