// Goal: an API server that lies makes Renders late, never wrong: no job is stopped that nobody stopped, none is made twice, and each status is in
// the end what it has to be. Method: a real coordinator whose way to the API server is a proxy, which lies by a printed seed.

import { setTimeout as delay } from 'node:timers/promises';

import { expect, it } from 'vitest';

import { testSeed } from '../../support/conformance/seed.ts';
import { drawnLies } from '../../support/kubernetes/lying/lies.ts';
import { startLyingProxy } from '../../support/kubernetes/lying/lying-proxy.ts';
import type { Listed } from '../../support/kubernetes/renders/render-place.ts';
import { useRenders } from '../../support/kubernetes/renders/render-place.ts';
import { until } from '../../support/kubernetes/until.ts';

/** Of requests. */
const SHARE = 0.3;
const LIES_MS = 40_000;

const { plane, reference, arrange } = useRenders();

it('keeps Renders and jobs together', { timeout: 400_000 }, async () => {
  await using proxy = await startLyingProxy(plane().server);
  const drawn = drawnLies({ seed: testSeed(), share: SHARE });
  proxy.lieOf = drawn;
  const place = await arrange({ server: proxy.server });
  const { farm } = place;
  await place.apply('whole');
  await place.apply('resting', { suspend: true, render: { seed: 8 } });
  await place.apply('unwanted', { render: { seed: 9 } });
  const states = new Map<string, Set<string>>();
  const look = async (): Promise<void> => {
    for (const { id, state } of await farm.client.list()) {
      states.set(id, (states.get(id) ?? new Set()).add(state));
    }
  };
  const jobOf = async (name: string): Promise<string> =>
    until(
      `${name} has a job`,
      async () => {
        // One that was just applied has none.
        const { status } = (await place.get(name)) as Partial<Listed>;
        return status?.submittedAt !== undefined && status.jobId;
      },
      180_000,
    );
  const [whole, unwanted] = [await jobOf('whole'), await jobOf('unwanted')];
  const empty = (): number => proxy.told.filter(({ lie }) => lie === 'empty-list').length;
  const endMs = performance.now() + LIES_MS;
  // The worst for a while: there seem to be none at all.
  proxy.lieOf = (seen) => (seen.kind === 'list' ? 'empty-list' : drawn(seen));
  const before = empty();
  while (performance.now() < endMs || empty() < before + 3) {
    await look();
    if (empty() >= before + 3) proxy.lieOf = drawn;
    await delay(200);
  }
  // Neither list that came empty has stopped them, and nobody has asked for the third.
  expect(new Set(states.keys())).toEqual(new Set([whole, unwanted]));
  for (const seen of states.values()) {
    expect([...seen].filter((state) => !['queued', 'running'].includes(state))).toEqual([]);
  }
  farm.startWorker('w1');
  const removed = await place.kubectl(['delete', 'render', 'unwanted', '--timeout', '120s']);
  expect(removed.code, removed.err).toBe(0);
  expect(['cancelled', 'done']).toContain((await farm.client.get(unwanted)).state);
  expect(await farm.finish(whole)).toBe(reference());
  await until(
    'its Render says so',
    async () => (await place.get('whole')).status.state === 'Complete',
    180_000,
  );
  expect((await place.get('resting')).status.state).toBe('Suspended');
  expect(await farm.client.list()).toHaveLength(2);
  process.stderr.write(
    `${proxy.told.length} lies of ${proxy.seen.length}, ${empty()} empty lists\n`,
  );
});
