// One vitest project per kind of test: the folder under test/ says which question a test answers.
import { defineConfig } from 'vitest/config';

const project = (name: string, testTimeout: number, globalSetup: readonly string[] = []) => ({
  test: {
    name,
    ...(name === 'unit' || name === 'property'
      ? {}
      : { globalSetup: ['test/support/network/get-nats-server.ts', ...globalSetup] }),
    include: [`test/${name}/**/*.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    // Two cores are what CI has; inference tests bring threads of their own.
    maxWorkers: 2,
    projects: [
      project('unit', 20_000),
      project('property', 60_000),
      project('integration', 120_000),
      project('e2e', 300_000, ['test/support/farm/fault-reference.ts']),
      project('fault', 300_000, ['test/support/farm/fault-reference.ts']),
      project('long', 1_800_000, ['test/support/farm/fault-reference.ts']),
    ],
  },
});
