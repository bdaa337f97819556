// Goal: a coordinator that has just begun never says that a job is not there because it has not read of it yet. Method: a real server
// over a store whose list of jobs comes late.

import { setTimeout as delay } from 'node:timers/promises';

import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { afterEach, expect, it } from 'vitest';

import type { Store } from '../../../../common/store/ports.ts';
import type { JobId } from '../../../../common/task.ts';
import { GuardedFarm, putDoneJob } from '../../../support/farm/guarded-farm.ts';

let farm: GuardedFarm | undefined;
afterEach(() => farm?.close());

/** A store that says which documents it has only once `open` resolves. */
function slowToList(store: Store, open: Promise<unknown>): void {
  const list = store.listDocuments.bind(store);
  store.listDocuments = async (...of) => {
    await open;
    return list(...of);
  };
}

async function startSlowFarm(): Promise<{ farm: GuardedFarm; id: JobId; open: () => void }> {
  const opening = Promise.withResolvers<undefined>();
  let id: JobId | undefined;
  farm = await GuardedFarm.start({
    prepare: async (store) => {
      ({ id } = await putDoneJob(store, { owner: '', seed: 1 }));
      slowToList(store, opening.promise);
    },
  });
  return { farm, id: id!, open: () => opening.resolve(undefined) };
}

type Answered = (error: Error | null, answer: { readonly status: string }) => void;
interface HealthClient {
  check(request: { readonly service: string }, answered: Answered): void;
  close(): void;
}

async function healthOf(address: string): Promise<string> {
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String })) as unknown as {
    grpc: { health: { v1: { Health: ServiceClientConstructor } } };
  };
  const { Health } = loaded.grpc.health.v1;
  const client = new Health(address, credentials.createInsecure()) as unknown as HealthClient;
  const { status } = await new Promise<{ status: string }>((resolve, reject) => {
    client.check({ service: '' }, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
  client.close();
  return status;
}

it('holds what is asked about jobs until it has read which there are, and says that it is not ready', async () => {
  const { farm: slow, id, open } = await startSlowFarm();
  const client = await slow.client();
  let answers = 0;
  const asked = [client.get(id), client.list()].map((answer) => answer.finally(() => answers++));
  await delay(300);
  expect(answers).toBe(0);
  expect(await healthOf(slow.address)).toBe('NOT_SERVING');
  open();
  const [job, jobs] = await Promise.all(asked);
  expect(job).toMatchObject({ id, state: 'done' });
  expect(jobs).toMatchObject([{ id }]);
  expect(await healthOf(slow.address)).toBe('SERVING');
});
