// Goal: ten clients use a farm of four workers at random, one of them means harm; the calls of the others are answered within a second, the
// coordinator's memory stays, nothing is lost. BIVDIFF_CLIENT_MINUTES (30) and BIVDIFF_TEST_SEED choose another time and repeat a run.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import type { Digest } from '../../common/task.ts';
import { BusyClient, runHostileClient } from '../support/farm/busy-client.ts';
import { sha256OfFile, TenantFarm } from '../support/farm/tenant-farm.ts';
import { createRandom } from '../support/random.ts';

const MINUTES = Number(process.env['BIVDIFF_CLIENT_MINUTES'] ?? 30);
const SEED = Number(process.env['BIVDIFF_TEST_SEED'] ?? Date.now() % 2 ** 31);
const OWNERS = Array.from({ length: 9 }, (_, index) => `user-${index}`);
const END_MS = 300_000;
const SAMPLE_MS = 2_000;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

it(
  `serves nine users beside a hostile one for ${MINUTES} minutes`,
  { timeout: MINUTES * 60_000 + 2 * END_MS },
  async () => {
    say(`seed ${SEED}`);
    const farm = await TenantFarm.start([...OWNERS, 'mallory'], 4);
    try {
      const clip = await readFile(join(import.meta.dirname, '../../examples/source.mp4'));
      const users = await Promise.all(
        OWNERS.map(async (owner, index) =>
          BusyClient.create(await farm.client(owner), clip, createRandom(SEED + index)),
        ),
      );
      const stop = new AbortController();
      const memoryMiB: number[] = [];
      const sampling = (async () => {
        while (!stop.signal.aborted) {
          memoryMiB.push(await farm.coordinatorMiB());
          await delay(SAMPLE_MS);
        }
      })();
      const [client, channel] = [await farm.client('mallory'), await farm.channel('mallory')];
      const hostile = runHostileClient({ client, channel, clip }, stop.signal);
      const running = Promise.all(users.map((user) => user.run(stop.signal)));
      await Promise.race([running, hostile, delay(MINUTES * 60_000)]);
      stop.abort();
      await Promise.all([running, sampling]);
      const { opened, refused } = await hostile;
      say(`hostile: ${opened} streams opened, ${refused} refused or ended`);

      for (const job of await client.list()) {
        if (job.state === 'queued' || job.state === 'running') await client.cancel(job.id);
      }
      const ids = users.flatMap(({ jobs, cancelled }) =>
        [...jobs].filter((id) => !cancelled.has(id)),
      );
      await checkDone(farm, ids);
      const times = users.flatMap((user) => user.times);
      for (const [call, of] of Map.groupBy(times, (one) => one.call)) {
        const ms = of.map((one) => one.ms);
        const [p50, p99] = [quantile(ms, 0.5).toFixed(0), quantile(ms, 0.99).toFixed(0)];
        say(`${call.padEnd(8)} ${of.length} calls, p50 ${p50} ms, p99 ${p99} ms`);
      }
      const quarter = memoryMiB.length >> 2;
      const before = quantile(memoryMiB.slice(quarter, 2 * quarter), 0.5);
      const after = quantile(memoryMiB.slice(-quarter), 0.5);
      say(
        `coordinator: ${before.toFixed(0)} MiB in the second quarter, ${after.toFixed(0)} in the last`,
      );
      say(`${ids.length} jobs done, none lost`);
      expect(
        quantile(
          times.map(({ ms }) => ms),
          0.99,
        ),
      ).toBeLessThan(1_000);
      expect(after).toBeLessThan(1.25 * before + 32);
    } finally {
      await farm.close();
    }
  },
);

/** Every job is done, and its video there with the bytes that its digest names. */
async function checkDone(farm: TenantFarm, ids: readonly string[]): Promise<void> {
  const operator = await farm.client('operator');
  const untilMs = performance.now() + END_MS;
  for (const [index, id] of ids.entries()) {
    let job = await operator.get(id);
    while ((job.state === 'queued' || job.state === 'running') && performance.now() < untilMs) {
      await delay(200);
      job = await operator.get(id);
    }
    expect(job.state, `job ${id}: ${job.failure?.message}`).toBe('done');
    const [video] = job.outputs[0]!.artifacts;
    const path = join(farm.folder, `video-${index}`);
    await operator.getArtifactFile(video!.digest as Digest, path);
    expect(await sha256OfFile(path)).toBe(video!.digest);
  }
}
