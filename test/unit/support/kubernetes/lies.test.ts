// What the lying API server makes of requests, and how it draws its lies.

import { expect, it } from 'vitest';

import { testSeed } from '../../../support/conformance/seed.ts';
import { drawnLies, LIES, listKey, seenRequest } from '../../../support/kubernetes/lying/lies.ts';
import type { Lie } from '../../../support/kubernetes/lying/lies.ts';

it.each([
  ['GET', '/api/v1/pods', 'list'],
  ['GET', '/api/v1/namespaces', 'list'],
  ['GET', '/api/v1/namespaces/n/pods?limit=5', 'list'],
  ['GET', '/apis/apps/v1/namespaces/n/deployments?labelSelector=a%3Db', 'list'],
  ['GET', '/apis/resource.k8s.io/v1/resourceslices', 'list'],
  ['GET', '/apis/apps/v1/namespaces/n/deployments?watch=true&resourceVersion=1', 'watch'],
  ['GET', '/api/v1/pods?watch=1', 'watch'],
  ['GET', '/api/v1/pods?watch=false', 'list'],
  ['GET', '/api/v1/namespaces/n', 'other'],
  ['GET', '/api/v1/nodes/n', 'other'],
  ['GET', '/api/v1/namespaces/n/pods/p', 'other'],
  ['GET', '/apis/apps/v1/namespaces/n/deployments/d/scale', 'other'],
  ['GET', '/apis/apps/v1', 'other'],
  ['GET', '/readyz', 'other'],
  ['POST', '/api/v1/namespaces/n/pods', 'other'],
  ['DELETE', '/api/v1/namespaces/n/pods', 'other'],
])('%s %s is %s', (method, url, kind) => {
  expect(seenRequest(method, url)).toEqual({ method, path: url.split('?')[0], kind });
});

it('takes lists for the same that differ only in their version', () => {
  const one = listKey('/api/v1/pods?limit=5&labelSelector=a%3Db&resourceVersion=7');
  expect(listKey('/api/v1/pods?labelSelector=a%3Db&limit=5')).toBe(one);
  expect(listKey('/api/v1/pods?labelSelector=a%3Dc&limit=5')).not.toBe(one);
  expect(listKey('/api/v1/pods?labelSelector=a%3Db&limit=5&continue=x')).not.toBe(one);
});

it('draws the same lies from the same seed, about each path for itself', () => {
  const seed = testSeed();
  const draw = (paths: readonly string[]): (Lie | undefined)[] => {
    const lieOf = drawnLies({ seed, share: 0.5 });
    return paths.map((path) => lieOf({ method: 'GET', path, kind: 'list' }));
  };
  const count = 400;
  const drawn = draw(Array<string>(count).fill('/a'));
  const mixed = draw(Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? '/a' : '/b')));
  expect(mixed.filter((_, i) => i % 2 === 0)).toEqual(drawn);
  expect(mixed.filter((_, i) => i % 2 === 1)).not.toEqual(drawn);
  const lies = drawn.filter((one) => one !== undefined);
  expect(new Set(lies)).toEqual(new Set(LIES.list));
  // Six standard deviations on either side.
  expect(Math.abs(lies.length - count / 2)).toBeLessThan(60);
});

it('draws none, all, or only those that are wanted', () => {
  const seen = { method: 'GET', path: '/a', kind: 'watch' } as const;
  const draw = (share: number, only?: readonly Lie[]): (Lie | undefined)[] => {
    const lieOf = drawnLies({ seed: testSeed(), share, ...(only && { only }) });
    return Array.from({ length: 50 }, () => lieOf(seen));
  };
  expect(new Set(draw(0))).toEqual(new Set([undefined]));
  expect(new Set(draw(1, ['break-watch']))).toEqual(new Set(['break-watch']));
  // Not one that fits: the truth.
  expect(new Set(draw(1, ['empty-list']))).toEqual(new Set([undefined]));
});
