// Goal: who watches a job and reads nothing holds up neither the job nor others who watch it. Method: watches and logs over gRPC that nobody
// reads, and a `bivdiff watch` that is stopped (SIGSTOP), from before the job's first task until after its end.

import { once } from 'node:events';

import { credentials, status } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';

import { RenderServiceClient } from '../../../common/gen/bivdiff/v1/render_service.ts';
import type { WatchJobResponse } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const STALLED = 30;

let client: RenderServiceClient | undefined;
afterEach(() => client?.close());

it('renders while thirty watchers read nothing', async () => {
  const farm = await farmOf.start();
  const id = await farm.submit();
  client = new RenderServiceClient(farm.server, credentials.createInsecure());
  const watches: ClientReadableStream<WatchJobResponse>[] = [];
  for (let i = 0; i < STALLED; i += 1) {
    const watch = client.watchJob({ id });
    // Heard, or it would end the test; and read by nobody, so that nothing is asked for.
    watch.on('error', () => undefined);
    watches.push(watch);
    client.watchLog({ id, follow: true }).on('error', () => undefined);
  }
  const stopped = startCli(['watch', id, '--server', farm.server]);
  const stoppedEnd = endOfCli(stopped);
  await once(stopped.stderr!, 'data');
  stopped.kill('SIGSTOP');

  let heard = 0;
  let last = '';
  const reader = (async () => {
    for await (const { state } of farm.client.watch(id)) {
      heard += 1;
      last = state;
    }
  })();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  await reader;
  expect(last).toBe('done');
  expect(heard).toBeGreaterThan(10);
  farm.checkHistory();

  // What they read now ends: with the job's end, or with the word to come again.
  for (const watch of watches) {
    const [state, code] = await endOf(watch);
    if (code === undefined) expect(state).toBe('done');
    else expect(code).toBe(status.RESOURCE_EXHAUSTED);
  }
  stopped.kill('SIGCONT');
  const { code, stdout, stderr } = await stoppedEnd;
  expect(`${stdout}${stderr}`).toMatch(/done|Watch again/);
  expect(code === 0).toBe(stdout.includes('done'));
});

/** Reads to the end: the last state, and the code of the error, if it ends with one. */
async function endOf(
  watch: ClientReadableStream<WatchJobResponse>,
): Promise<readonly [state: string, code: status | undefined]> {
  let state = '';
  try {
    for await (const { job } of watch as AsyncIterable<WatchJobResponse>) state = job?.state ?? '';
    return [state, undefined];
  } catch (reason) {
    return [state, (reason as ServiceError).code];
  }
}
