// Renders what every fault test renders once, undisturbed, before any of them runs.

import type { TestProject } from 'vitest/node';

import { referenceOf } from '../reference.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** SHA-256 of the undisturbed render's video. */
    faultReference: string;
  }
}

export async function setup(project: TestProject): Promise<void> {
  project.provide('faultReference', await referenceOf());
}
