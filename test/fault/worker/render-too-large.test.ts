// Goal: a render that no worker that is there could run is refused when it is submitted, and one that others might come for is not. Method: real programs;
// a worker that may fill next to nothing.

import { expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import { useFarm } from '../../support/farm/use-farm.ts';
import { JOB_FLAGS } from '../../support/reference.ts';

const farmOf = useFarm();

it('is refused where workers are there and none has the memory for it', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const submit = (...more: string[]) =>
    endOfCli(startCli(['submit', ...JOB_FLAGS, '--server', farm.server, '--json', ...more]));
  // Who comes may have enough.
  expect((await submit('--seed', '1')).code).toBe(0);
  farm.startWorker('small', ['--memory-gib', '0.01']);
  await farm.seesWorkers(1);
  const refused = await submit('--seed', '2');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /needs 0\.\d+ GiB of memory \(.*\), and the largest slot of a worker that is there has 0\.010 GiB: 0\.\d+ GiB are missing/,
  );
  expect(refused.stderr).toMatch(/a worker with --memory-gib 0\.\d for each slot/);
  farm.startWorker('large');
  await farm.seesWorkers(2);
  expect((await submit('--seed', '3')).code).toBe(0);
});
