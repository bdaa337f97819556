// A process that closes a pool of lanes, without any patience, while one is inside ONNX Runtime, and says how its job ended.

import { openTestPool, ROUNDS, slowJob } from './lane-jobs.ts';

const pool = openTestPool({ closeGraceMs: 1 });
const begun = Promise.withResolvers<undefined>();
const end = pool
  .run(slowJob({ steps: 3, roundsPerStep: 20 * ROUNDS }), {
    onProgress: () => begun.resolve(undefined),
  })
  .then(
    () => 'done',
    (reason: unknown) => String(reason),
  );
await begun.promise;
// The next run of about a second is under way then: nothing outside ONNX Runtime could tell when it begins.
await new Promise((resolve) => setTimeout(resolve, 200));
await pool.close();
process.stdout.write(await end);
