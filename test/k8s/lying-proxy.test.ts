// The proxy that lies for an API server: each lie as a client meets it, the real server behind it, and the truth in between.

import { request } from 'node:https';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

import { CoreV1Api } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it } from 'vitest';

import type { Access } from '../support/kubernetes/plane/credentials.ts';
import { drawnLies } from '../support/kubernetes/lying/lies.ts';
import type { Lie } from '../support/kubernetes/lying/lies.ts';
import { startLyingProxy } from '../support/kubernetes/lying/lying-proxy.ts';
import type { LyingProxy } from '../support/kubernetes/lying/lying-proxy.ts';
import { refusalOf } from '../support/kubernetes/refusal.ts';
import { until } from '../support/kubernetes/until.ts';
import { useControlPlane } from '../support/kubernetes/use-control-plane.ts';
import { testSeed } from '../support/conformance/seed.ts';

const NAMESPACE = 'default';
const PATH = `/api/v1/namespaces/${NAMESPACE}/secrets`;

const plane = useControlPlane({ users: [{ name: 'nobody' }] });

let proxy: LyingProxy;
let access: Access;
let core: CoreV1Api;
let ca: Buffer;

beforeEach(async () => {
  proxy = await startLyingProxy(plane().server);
  ca = await readFile(proxy.server.ca);
  access = await plane().access(plane().admin.token, { server: proxy.server });
  core = plane().api(CoreV1Api, access.config);
  await plane().api(CoreV1Api).deleteCollectionNamespacedSecret({ namespace: NAMESPACE });
  for (const name of ['a', 'b', 'c', 'd']) await create(name);
});
afterEach(async () => proxy[Symbol.asyncDispose]());

it('tells the truth unless it is told to lie, and passes on who asks', async () => {
  expect(await names()).toEqual(['a', 'b', 'c', 'd']);
  const nobody = await plane().access(plane().user('nobody').token, { server: proxy.server });
  const refused = plane()
    .api(CoreV1Api, nobody.config)
    .listNamespacedSecret({ namespace: NAMESPACE });
  expect((await refusalOf(refused)).message).toContain('User "nobody" cannot list');
  await core.createNamespacedSecret({ namespace: NAMESPACE, body: { metadata: { name: 'e' } } });
  expect(await namesThere()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(proxy.told).toEqual([]);
  expect(proxy.seen.map(({ method, kind }) => `${method} ${kind}`)).toEqual([
    'GET list',
    'GET list',
    'POST other',
  ]);
});

it('answers 500 and 429 without asking the server', async () => {
  lie('error');
  const name = 'never';
  const body = { metadata: { name } };
  const broken = await refusalOf(core.createNamespacedSecret({ namespace: NAMESPACE, body }));
  expect(broken).toMatchObject({ code: 500, reason: 'InternalError' });
  lie('too-many');
  const answer = await ask(PATH);
  expect(answer.statusCode).toBe(429);
  expect(answer.headers['retry-after']).toBe('1');
  answer.destroy();
  expect(await namesThere()).toEqual(['a', 'b', 'c', 'd']);
  expect(proxy.told.map((told) => told.lie)).toEqual(['error', 'too-many']);
});

it('shows no items, half of them, or those of before', async () => {
  lie('empty-list');
  expect(await names()).toEqual([]);
  lie('cut-list');
  expect(await names()).toEqual(['a', 'b']);
  lie(undefined);
  await plane().api(CoreV1Api).deleteNamespacedSecret({ namespace: NAMESPACE, name: 'a' });
  expect(await names()).toEqual(['b', 'c', 'd']);
  lie('stale-list');
  expect(await names()).toEqual(['a', 'b', 'c', 'd']);
  // What others ask for is another list.
  const labelled = await core.listNamespacedSecret({ namespace: NAMESPACE, labelSelector: 'x=y' });
  expect(labelled.items).toEqual([]);
  expect(proxy.told.map((told) => told.lie)).toEqual(['empty-list', 'cut-list', 'stale-list']);
});

it('hides that a page is not the last', async () => {
  const page = async (): Promise<[number, string | undefined]> => {
    const { items, metadata } = await core.listNamespacedSecret({ namespace: NAMESPACE, limit: 2 });
    return [items.length, metadata?._continue];
  };
  expect(await page()).toEqual([2, expect.stringMatching(/./)]);
  lie('cut-list');
  expect(await page()).toEqual([1, undefined]);
});

it('breaks an answer in the middle', async () => {
  lie('break-body');
  const answer = await ask(PATH);
  expect(answer.statusCode).toBe(200);
  await expect(buffer(answer)).rejects.toThrow('aborted');
});

it('loses the answer to what the server has done', async () => {
  lie('lose-answer');
  const body = { metadata: { name: 'e' } };
  await expect(core.createNamespacedSecret({ namespace: NAMESPACE, body })).rejects.toThrow();
  expect(await namesThere()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('leaves a client without an answer until that goes away', async () => {
  lie('stall');
  const stalled = connection(PATH);
  let isAnswered = false;
  stalled.on('response', () => (isAnswered = true)).end();
  await until('it is told', async () => proxy.told.length === 1);
  lie(undefined);
  // Later ones are answered meanwhile.
  expect(await names()).toEqual(['a', 'b', 'c', 'd']);
  expect(isAnswered).toBe(false);
  stalled.destroy();
});

it('breaks a watch in the middle of an event, or ends it after one', async () => {
  for (const [chosen, whole] of [
    ['break-watch', false],
    ['end-watch', true],
  ] as const) {
    lie(chosen);
    const answer = await ask(`${PATH}?watch=1`);
    const text = buffer(answer).then(String, () => 'broken');
    if (whole) expect((await text).endsWith('}\n')).toBe(true);
    else expect(await text).toBe('broken');
  }
  expect(proxy.told.map((told) => told.lie)).toEqual(['break-watch', 'end-watch']);
});

it('says that a version is too old, or nothing at all', async () => {
  lie('expire-watch');
  const expired = await buffer(await ask(`${PATH}?watch=1`));
  expect(JSON.parse(String(expired))).toMatchObject({ type: 'ERROR', object: { code: 410 } });

  lie('silent-watch');
  const silent = await ask(`${PATH}?watch=1`);
  lie(undefined);
  const honest = await ask(`${PATH}?watch=1`);
  let [heard, silence] = [0, 0];
  silent.on('data', () => (silence += 1)).on('error', () => undefined);
  honest.on('data', () => (heard += 1)).on('error', () => undefined);
  await create('e');
  await until('the honest watch tells of it', async () => heard > 0);
  expect(silence).toBe(0);
  expect(proxy.watches).toBe(2);
  const ended = [silent, honest].map(closed);
  proxy.breakWatches();
  await Promise.all(ended);
});

it('is asked by a client that asks again until it has what it wants', async () => {
  proxy.lieOf = drawnLies({
    seed: testSeed(),
    share: 0.5,
    only: ['error', 'too-many', 'lose-answer'],
  });
  for (let i = 0; i < 20; i += 1) {
    const name = `drawn-${i}`;
    await until(`${name} is there`, async () => {
      const created = core.createNamespacedSecret({
        namespace: NAMESPACE,
        body: { metadata: { name } },
      });
      return created.catch(async () => core.readNamespacedSecret({ namespace: NAMESPACE, name }));
    });
  }
  expect(proxy.told.length).toBeGreaterThan(0);
  expect(await namesThere()).toHaveLength(24);
});

function lie(chosen: Lie | undefined): void {
  proxy.lieOf = () => chosen;
}

async function create(name: string): Promise<void> {
  await plane()
    .api(CoreV1Api)
    .createNamespacedSecret({ namespace: NAMESPACE, body: { metadata: { name } } });
}

/** As a client of the proxy sees them. */
async function names(): Promise<string[]> {
  const { items } = await core.listNamespacedSecret({ namespace: NAMESPACE });
  return items.map(({ metadata }) => metadata?.name ?? '');
}

/** As they are. */
async function namesThere(): Promise<string[]> {
  const { items } = await plane().api(CoreV1Api).listNamespacedSecret({ namespace: NAMESPACE });
  return items.map(({ metadata }) => metadata?.name ?? '');
}

function connection(path: string): ReturnType<typeof request> {
  const headers = { authorization: `Bearer ${access.token}` };
  const asked = request(`${proxy.server.url}${path}`, { ca, headers, agent: false });
  asked.on('error', () => undefined);
  return asked;
}

/** Of a broken one `once` would give the error. */
async function closed(stream: IncomingMessage): Promise<void> {
  return new Promise((resolve) => stream.once('close', () => resolve()));
}

async function ask(path: string): Promise<IncomingMessage> {
  const asked = connection(path);
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}
