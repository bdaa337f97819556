// One vitest project per kind of test: the folder under test/ says which question a test answers.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { defineConfig } from 'vitest/config';

/** Fault tests that tell most in the least time: `npm test` runs them too. */
const QUICK_FAULTS = [
  'coordinator/coordinator-killed-at-commit',
  'nats/duplicate-events',
  'nats/stream-deleted',
  'worker/worker-killed-at-commit',
].map((name) => `test/fault/${name}.test.ts`);

// Of the half second and more in which the program loads its code, most goes into compiling it, in hundreds of starts: what one has compiled, the next take.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/bivdiff');

/** Files with cases that only `npm run test:long` runs: test/support/thorough.ts. */
const THOROUGH = globSync('test/{e2e,integration}/**/*.test.ts', {
  cwd: import.meta.dirname,
}).filter((file) => readFileSync(join(import.meta.dirname, file), 'utf8').includes('/thorough.ts'));

const project = (
  name: string,
  testTimeout: number,
  globalSetup: readonly string[] = [],
  include: readonly string[] = [`test/${name}/**/*.test.ts`],
) => ({
  test: {
    name,
    ...(name === 'unit' || name === 'property'
      ? {}
      : { globalSetup: ['test/support/network/get-nats-server.ts', ...globalSetup] }),
    include: [...include],
    // A busy machine needs more than the second that is the default.
    expect: { poll: { timeout: 10_000 } },
    env: name === 'long' ? { BIVDIFF_TESTS: 'thorough' } : {},
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    // Tests of ONNX Runtime alone shall tell its maker nothing either.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    // Two cores are what CI has; inference tests bring threads of their own.
    maxWorkers: 2,
    projects: [
      project('unit', 20_000),
      project('property', 60_000),
      project('integration', 120_000),
      project('e2e', 300_000, ['test/support/farm/small-reference.ts']),
      project('fault', 300_000, ['test/support/farm/fault-reference.ts']),
      project('quick-fault', 300_000, ['test/support/farm/fault-reference.ts'], QUICK_FAULTS),
      project(
        'long',
        1_800_000,
        ['test/support/farm/fault-reference.ts', 'test/support/farm/small-reference.ts'],
        ['test/long/**/*.test.ts', ...THOROUGH],
      ),
      {
        test: {
          name: 'chart',
          globalSetup: ['test/support/kubernetes/chart/get-chart-programs.ts'],
          include: ['test/chart/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 300_000,
          pool: 'forks' as const,
        },
      },
      project('k8s', 300_000, [
        'test/support/kubernetes/programs/get-programs.ts',
        'test/support/farm/fault-reference.ts',
      ]),
    ],
  },
});
