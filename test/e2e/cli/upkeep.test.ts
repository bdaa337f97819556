// The commands around a render: models, doctor, store.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { TINY_SET } from '../../support/models/paths.ts';
import { bivdiff, createWorkplace, expectOneError, jsonOf, tinyFlags } from './workplace.ts';

describe('models', () => {
  it('list tells the parts of the sets that ship', async () => {
    const run = await bivdiff('models', 'list');
    expect(run.code, run.stdout).toBe(0);
    expect(run.stdout).toMatch(/image\/unet\+canny +[\d.]+ \w+ +[0-9a-f]{64}/);
    expect(run.stdout).toContain('defaults: 128x128');
    // What --models takes, before the name on the card.
    expect(run.stdout).toMatch(/^demo {2}\/.*\/models\/demo {2}\(shapes\)$/m);
  });

  it('list of a folder of sets calls each as a farm of that folder does', async () => {
    const run = await bivdiff('models', 'list', join(TINY_SET, '..'), '--json');
    expect(run.code, run.stdout).toBe(0);
    expect(jsonOf(run)).toMatchObject({ sets: [{ set: 'tiny-set', name: 'tiny' }] });
  });

  it('check finds the tiny set sound', async () => {
    const run = await bivdiff('models', 'check', TINY_SET, '--json');
    expect(run.code, run.stdout).toBe(0);
    expect(jsonOf(run)).toMatchObject({ name: 'tiny', sound: true, problems: [] });
  });
});

describe('doctor', () => {
  it('finds what a render needs', async () => {
    await using place = await createWorkplace();
    const run = await bivdiff('doctor', '--json', '--store', place.path('store'));
    expect(run.code, run.stdout).toBe(0);
    const { checks } = jsonOf<{ checks: { name: string; state: string }[] }>(run);
    const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({ node: 'ok', onnxruntime: 'ok', 'codec mp4': 'ok', store: 'ok' });
  });

  it('says what to do when the store cannot be written', async () => {
    const run = await bivdiff('doctor', '--store', '/proc/store');
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/fail +store/);
    expect(run.stdout).toContain('store: Choose another place');
  });
});

describe('store', () => {
  it('is no file and below none, as every command says it, and nothing is left', async () => {
    await using place = await createWorkplace();
    const file = place.path('file');
    await writeFile(file, 'mine');
    const itself = await bivdiff('store', 'du', '--store', file);
    expectOneError(itself, `no store can be at ${file}: it is not a folder`);
    const below = join(file, 'store');
    const output = place.path('out', 'clip.mp4');
    const sweep = { output: place.path('out', 'sweep/'), 'mixing-ratio': '0,1' };
    const nats = ['--nats', 'nats://127.0.0.1:1'];
    for (const command of [
      ...[['store', 'gc'], ['up'], ['compare', 'abcd1234']],
      ...[
        ['render', ...tinyFlags(place, { output })],
        ['plan', ...tinyFlags(place)],
      ],
      ['sweep', ...tinyFlags(place, sweep)],
      ...[
        ['coordinator', ...nats],
        ['worker', '--pool', 'idm', ...nats],
      ],
    ]) {
      const run = await bivdiff(...command, '--store', below);
      expectOneError(run, `no store can be at ${below}: ${file} is not a folder`);
    }
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect(await place.outputs()).toEqual([]);
  });

  it('tells its size, keeps what is young or wanted, and removes the rest', async () => {
    await using place = await createWorkplace();
    const flags = tinyFlags(place, { output: place.path('out', 'clip.mp4') });
    const rendered = await bivdiff('render', '--json', '--quiet', ...flags);
    const { job, tasks } = jsonOf<{ job: string; tasks: { run: number } }>(rendered);
    const store = ['--store', place.path('store')];

    const usage = jsonOf(await bivdiff('store', 'du', '--json', ...store));
    expect(usage).toMatchObject({ records: { count: tasks.run }, quarantine: { count: 0 } });
    const verified = await bivdiff('store', 'verify', ...store);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain('all sound');

    const gc = async (...words: string[]): Promise<unknown> =>
      jsonOf(await bivdiff('store', 'gc', '--json', ...words, ...store));
    expect(await gc()).toMatchObject({ removedRecords: 0, removedArtifacts: 0 });
    const all = ['--older-than', '0s'];
    expect(await gc(...all, '--keep', job.slice(0, 8))).toMatchObject({ removedRecords: 0 });
    expect(await gc(...all, '--dry-run')).toMatchObject({ removedRecords: tasks.run });
    expect(await gc(...all)).toMatchObject({ dryRun: false, removedRecords: tasks.run });
    expect(jsonOf(await bivdiff('store', 'du', '--json', ...store))).toMatchObject({
      records: { count: 0 },
      artifacts: { count: 0 },
    });

    const again = await bivdiff('render', '--json', '--quiet', ...flags);
    expect(jsonOf(again)).toMatchObject({ tasks: { run: tasks.run } });
  });

  it('that is not there is not made by looking at it', async () => {
    await using place = await createWorkplace();
    const run = await bivdiff('store', 'du', '--store', place.path('none'));
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('error: there is no store at');
  });
});
