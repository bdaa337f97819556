// Renders the job of tests that break nothing, undisturbed, before any of them runs.

import type { TestProject } from 'vitest/node';

import { SMALL_JOB, referenceOf } from '../reference.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** SHA-256 of the video that a render of SMALL_JOB in one process makes. */
    smallReference: string;
  }
}

export async function setup(project: TestProject): Promise<void> {
  project.provide('smallReference', await referenceOf(SMALL_JOB));
}
