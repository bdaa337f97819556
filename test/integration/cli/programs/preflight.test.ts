// `bivdiff preflight`: a store that is the coordinator's or is not, one that does not keep the first of a name, models that do not fit.
// On real stores and the tiny model set.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  checkFirstStays,
  leaveMark,
  seekMark,
} from '../../../../cli/programs/preflight/farm-mark.ts';
import { checkMemory, needsOfModels } from '../../../../cli/programs/preflight/model-needs.ts';
import { runCommandLine } from '../../../../cli/program.ts';
import { openStore } from '../../../../common/store/open-store.ts';
import { TINY_SET } from '../../../support/models/paths.ts';
import { createSampleEnvironment } from '../../../unit/cli/sample-environment.ts';

const SIGNAL = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-preflight-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(...words: string[]) {
  const environment = createSampleEnvironment({ folder, modelsFolder: TINY_SET });
  const code = await runCommandLine(['preflight', ...words], environment);
  return { code, ...environment.written };
}

const coordinator = (store = 'store') =>
  run('coordinator', '--store', store, '--farm', 'render-farm');
const worker = (...words: string[]) =>
  run('worker', '--farm', 'render-farm', '--pool', 'vdm', '--wait-seconds', '1', ...words);

describe('preflight', () => {
  it('lets a worker begin whose store is the coordinator’s', async () => {
    expect(await coordinator()).toMatchObject({ code: 0 });
    const said = await worker('--store', 'store', '--memory-gib', '1');
    expect(said.stderr).toBe('');
    expect(said.stdout).toBe(`${join(folder, 'store')} is the store of render-farm\n`);
    expect(said.code).toBe(0);
  });

  it('refuses a volume that is not shared', async () => {
    await coordinator();
    const { code, stderr } = await worker('--store', 'own-volume');
    expect(code).toBe(2);
    expect(stderr).toContain('no coordinator of the farm render-farm has been in the store');
    expect(stderr).toContain('ReadWriteMany');
  });

  it('does not take the coordinator of another farm for its own', async () => {
    await run('coordinator', '--store', 'store', '--farm', 'another');
    expect((await worker('--store', 'store')).stderr).toContain('no coordinator of the farm');
  });

  it('waits for the coordinator', async () => {
    const place = join(folder, 'store');
    const seeking = { farm: 'late', place, waitMs: 20_000, signal: SIGNAL };
    const sought = seekMark(() => openStore(place), seeking);
    const store = await openStore(place);
    await leaveMark(store, 'late', []);
    const found = await sought;
    expect(found.mark).toEqual({ farm: 'late', needs: [] });
    await found.store.close();
    await store.close();
  });

  it('refuses a store in which a name that was put can be put again', async () => {
    const place = join(folder, 'store');
    await coordinator();
    const store = await openStore(place);
    const seeking = { farm: 'render-farm', place, waitMs: 0, signal: SIGNAL };
    const { name, store: own } = await seekMark(() => openStore(place), seeking);
    await checkFirstStays(store, name, place);
    // Another client no longer sees what was put: what such a store is like to a second machine.
    await store.deleteDocument(name);
    await expect(checkFirstStays(store, name, place)).rejects.toThrow('does not keep the first');
    await own.close();
    await store.close();
  });

  it('refuses a pool whose memory holds no set’s models, and says which graph', async () => {
    await coordinator();
    const { code, stderr } = await worker('--store', 'store', '--memory-gib', '0.00001');
    expect(code).toBe(1);
    expect(stderr).toMatch(/pool vdm: video\/\S+ of set tiny-set has .* of weights, and a slot/);
  });

  it('counts the memory of a slot', async () => {
    await coordinator();
    const [needs] = await needsOfModels(TINY_SET);
    const gib = String((needs!.pools['vdm']!.bytes + 1) / 2 ** 30);
    const words = ['--store', 'store', '--memory-gib', gib];
    expect((await worker(...words)).code).toBe(0);
    expect((await worker(...words, '--slots', '2')).code).toBe(1);
  });

  it('only warns where another set fits', () => {
    const need = (set: string, bytes: number) => ({ set, pools: { vdm: { model: 'u', bytes } } });
    const needs = [need('large', 100), need('small', 10)];
    const warnings = checkMemory(needs, { pools: ['vdm'], memoryBytes: 50 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('of set large');
    expect(() => checkMemory(needs, { pools: ['vdm'], memoryBytes: 5 })).toThrow('of set small');
    expect(checkMemory(needs, { pools: ['idm'], memoryBytes: 5 })).toEqual([]);
  });

  it('forgets what models needed that the coordinator had before', async () => {
    const store = await openStore(join(folder, 'store'));
    await leaveMark(store, 'farm', [{ set: 'old', pools: {} }]);
    await leaveMark(store, 'farm', [{ set: 'new', pools: {} }]);
    await leaveMark(store, 'farm', [{ set: 'new', pools: {} }]);
    expect(await store.listDocuments('farm', 'farm/')).toHaveLength(1);
    await store.close();
  });

  it('tells all that is wrong with its flags', async () => {
    const words = ['worker', '--farm', 'a', '--slots', '0', '--memory-gib', 'x'];
    const { code, stderr } = await run(...words);
    expect(code).toBe(2);
    for (const flag of ['--pool', '--slots', '--memory-gib']) expect(stderr).toContain(flag);
    expect((await run('coordinator', '--farm', 'A farm')).stderr).toContain('cannot name a farm');
  });
});
