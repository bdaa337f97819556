// Goal: an API server that lies makes the scaler late, never wrong: no pod whose worker runs something is deleted, and replicas are never set from
// a list that was not the truth. Method: the scaler behind a proxy whose lies are drawn from a printed seed, over real Deployments, for
// BIVDIFF_LIES_MINUTES (1); work and workers that come and go by the same seed. What the proxy has answered is held against what the API server's
// audit log says was done.

import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, expect, it } from 'vitest';

import type { ScaledPool } from '../../coordinator/scaling/predicted-work.ts';
import { numberOf, testSeed } from '../support/conformance/seed.ts';
import { openAuditLog } from '../support/kubernetes/audit/audit-log.ts';
import type { Audited } from '../support/kubernetes/audit/audit-log.ts';
import { drawnLies } from '../support/kubernetes/lying/lies.ts';
import { startLyingProxy } from '../support/kubernetes/lying/lying-proxy.ts';
import type { LyingProxy } from '../support/kubernetes/lying/lying-proxy.ts';
import { addNodes, alike } from '../support/kubernetes/nodes.ts';
import {
  jobOf,
  replicasOf,
  SCALER_ACCOUNT,
  startScaledPools,
} from '../support/kubernetes/scaling/scaled-pools.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';

const MINUTES = Number(process.env['BIVDIFF_LIES_MINUTES'] ?? 1);
/** Of requests. With more, hardly a look at the cluster is whole, and after each that is not the next comes later. */
const SHARE = 0.12;
const POOLS: readonly ScaledPool[] = ['idm', 'mixer', 'vdm'];
const TURN_MS = 250;

const audit = await openAuditLog();
const plane = useControlPlane({ flags: audit.flags }, async (started) => {
  await addNodes(started, alike(4, { name: 'gpu-node', gpus: 4 }));
});
afterAll(async () => audit[Symbol.asyncDispose]());

/** Work that comes and goes. Each turn decides anew for each worker, and now and then for the jobs. */
class DrawnLoad {
  readonly #farm: Awaited<ReturnType<typeof startScaledPools>>;
  readonly #seed: number;
  #turn = 0;
  begun = 0;

  constructor(farm: Awaited<ReturnType<typeof startScaledPools>>, seed: number) {
    this.#farm = farm;
    this.#seed = seed;
  }

  turn(): void {
    const { workers, farm } = this.#farm;
    this.#turn += 1;
    // Times of much work, of little, of none: each ten seconds on average.
    if (this.#chance('jobs', 0.025)) {
      const frames = [0, 0, 160, 1_600][numberOf(`${this.#seed} ${this.#turn} frames`, 4)]!;
      farm.jobs = frames === 0 ? [] : [jobOf(frames)];
    }
    for (const [name, isBusy] of workers.running) {
      if (isBusy) {
        if (this.#chance(name, 0.05)) workers.run(name, false);
      } else if (farm.jobs.length > 0 && this.#chance(name, 0.1)) {
        if (workers.run(name, true)) this.begun += 1;
      }
    }
  }

  #chance(what: string, share: number): boolean {
    return numberOf(`${this.#seed} ${this.#turn} ${what}`, 2 ** 20) < share * 2 ** 20;
  }
}

/** Indices of requests that set replicas, and what was answered to what the scaler had looked at before each. */
function changesOf({ seen, told }: LyingProxy) {
  const lies = new Map(told.map(({ index, lie }) => [index, lie]));
  const lookedAt = new Map<string, number>();
  return seen.flatMap(({ method, path, kind }, index) => {
    const last = path.split('/').at(-1)!;
    if (kind === 'list') lookedAt.set(last, index);
    if (method === 'GET' && last === 'scale') lookedAt.set('scale', index);
    if (method !== 'PUT' || last !== 'scale') return [];
    const from = [...lookedAt].map(([what, at]) => ({ what, lie: lies.get(at) }));
    return [{ path, lie: lies.get(index), from }];
  });
}

function isChange({ verb, user, objectRef }: Audited): boolean {
  return (
    user.username.endsWith(`:${SCALER_ACCOUNT}`) &&
    verb === 'update' &&
    objectRef?.subresource === 'scale'
  );
}

it(
  'deletes no pod that runs something, and sets replicas from the truth alone',
  async () => {
    const seed = testSeed();
    await using proxy = await startLyingProxy(plane().server);
    const pools = Object.fromEntries(POOLS.map((pool) => [pool, { max: 5 }]));
    const started = await startScaledPools(plane(), { pools, server: proxy.server });
    const { namespace, workers, farm } = started;
    const load = new DrawnLoad(started, seed);
    farm.jobs = [jobOf(1_600)];
    await until('there are workers', async () => workers.running.size >= 5);
    proxy.lieOf = drawnLies({ seed, share: SHARE });
    const endMs = performance.now() + MINUTES * 60_000;
    while (performance.now() < endMs) {
      load.turn();
      await delay(TURN_MS);
    }
    // Then it is told the truth, and nothing is left to do.
    proxy.lieOf = () => undefined;
    farm.jobs = [];
    for (const [name] of workers.running) workers.run(name, false);
    await until(
      'none is left',
      async () => {
        const counts = POOLS.map((pool) => replicasOf(plane(), namespace, pool));
        return (await Promise.all(counts)).every((count) => count === 0);
      },
      180_000,
    );
    await until('their pods are gone', async () => workers.running.size === 0);
    const changes = changesOf(proxy);
    const audited = (await audit.read()).filter(isChange);
    const lowered = farm.changes.filter(({ from, to }) => to < from).length;
    const ofKinds = new Map<string, number>();
    for (const { kind, lie } of proxy.told) {
      const key = `${kind} ${lie}`;
      ofKinds.set(key, (ofKinds.get(key) ?? 0) + 1);
    }
    const report = {
      ...{ seed, minutes: MINUTES, requests: proxy.seen.length, lies: proxy.told.length },
      ofKinds: Object.fromEntries([...ofKinds].sort()),
      ...{ changes: farm.changes.length, lowered, audited: audited.length },
      ...{ tasksBegun: load.begun, lost: workers.lost },
      ...{ troubles: farm.troubles.length, last: farm.reasons },
    };
    process.stderr.write(`${JSON.stringify(report)}\n`);
    await started.end();

    expect(workers.lost).toEqual([]);
    for (const { path, from } of changes) {
      expect(from.map(({ what }) => what).sort(), path).toEqual(['deployments', 'pods', 'scale']);
      expect(
        from.filter(({ lie }) => lie !== undefined),
        path,
      ).toEqual([]);
    }
    // What the proxy passed on is all that was done: nobody else has this account.
    const passedOn = changes.filter(
      ({ lie }) => !['error', 'too-many', 'stall'].includes(lie ?? ''),
    );
    expect(audited.length).toBe(passedOn.length);
    // An answer that was lost leaves a change untold; none is told that was not made.
    const made = audited.filter(({ responseStatus }) => responseStatus?.code === 200).length;
    expect(farm.changes.length).toBeLessThanOrEqual(made);
    expect(lowered).toBeGreaterThan(0);
    expect(proxy.told.filter(({ kind }) => kind === 'list').length).toBeGreaterThan(2 * MINUTES);
  },
  MINUTES * 60_000 + 300_000,
);
