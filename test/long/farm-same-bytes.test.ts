// Goal: the output's bytes do not depend on how many workers there are, nor on where the store is. Method: one spec, rendered in one
// process, then on farms of real programs with 1 and 16 workers, with a folder, an S3 server and the coordinator as the workers'
// store, each from an empty one; of 16 workers each must have run a task.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { FarmOptions } from '../support/farm/fault-farm.ts';
import { JOB_FLAGS, referenceOf } from '../support/reference.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import { BUILD_MS, startVersityGw } from '../support/network/versitygw.ts';
import type { VersityGw } from '../support/network/versitygw.ts';

/** Batches of one frame: more tasks than workers, in every stage that has frames. */
const FLAGS = [...JOB_FLAGS, '--frames', '32', '--frame-batch', '1'];
const WORKERS = [1, 16];
const BUCKET = 'renders';

describe('the output of a job on a farm', () => {
  const farmOf = useFarm();
  let reference = '';
  let s3: VersityGw;
  beforeAll(async () => {
    s3 = await startVersityGw([BUCKET]);
    reference = await referenceOf(FLAGS);
  }, BUILD_MS);
  afterAll(() => s3.close());

  const stores: Readonly<Record<string, (workers: number) => FarmOptions>> = {
    'a folder': () => ({}),
    'an S3 server': (workers) => ({
      surroundings: async () => ({
        store: `s3://${BUCKET}/${workers}-workers`,
        env: s3.env,
      }),
    }),
    'their coordinator': () => ({ ofWorkers: (server) => ({ store: `grpc://${server}` }) }),
  };
  const cases = Object.keys(stores).flatMap((store) =>
    WORKERS.map((workers) => ({ store, workers })),
  );

  it.each(cases)('is a render’s, with $workers workers and $store', async ({ store, workers }) => {
    const farm = await farmOf.start({ workers, ...stores[store]!(workers) });
    const id = await farm.submit(FLAGS);
    expect(await farm.finish(id)).toBe(reference);
    const began = new Set(
      farm.events.flatMap((event) => (event.kind === 'started' ? event.worker : [])),
    );
    expect(began.size).toBe(workers);
  });
});
