// `--store s3://BUCKET/PREFIX`: the same outputs as from a folder, and the same upkeep.

import { afterAll, beforeAll, expect, it } from 'vitest';

import { BUILD_MS, startVersityGw } from '../../support/network/versitygw.ts';
import type { VersityGw } from '../../support/network/versitygw.ts';
import { bivdiff, createWorkplace, jsonOf, tinyFlags } from './workplace.ts';

const BUCKET = 'renders';
const STORE = `s3://${BUCKET}/demo`;

interface Report {
  readonly tasks: { readonly run: number; readonly reused: number };
  readonly outputs: readonly { readonly sha256: string }[];
}

let server: VersityGw;
beforeAll(async () => {
  server = await startVersityGw([BUCKET]);
  Object.assign(process.env, server.env);
}, BUILD_MS);
afterAll(() => server.close());

it('renders into a store on S3, and from it, what a folder gives', async () => {
  await using place = await createWorkplace();
  const render = async (name: string, store: string): Promise<Report> => {
    const flags = tinyFlags(place, { store, output: place.path('out', name) });
    const run = await bivdiff('render', '--json', '--quiet', ...flags);
    expect(run.code, run.stderr).toBe(0);
    return jsonOf<Report>(run);
  };
  const inFolder = await render('folder.mp4', place.path('store'));
  const onS3 = await render('s3.mp4', STORE);
  expect(onS3.outputs[0]?.sha256).toBe(inFolder.outputs[0]?.sha256);
  expect(onS3.tasks).toEqual(inFolder.tasks);
  const again = await render('again.mp4', `${STORE}/`);
  expect(again.tasks).toMatchObject({ run: 0, reused: onS3.tasks.run });

  const usage = jsonOf(await bivdiff('store', 'du', '--json', '--store', STORE));
  expect(usage).toMatchObject({ store: STORE, records: { count: onS3.tasks.run } });
  const verified = await bivdiff('store', 'verify', '--store', STORE);
  expect(verified.stdout).toContain('all sound');
});

it('says what is wrong with a store on S3 before anything runs', async () => {
  await using place = await createWorkplace();
  const flags = tinyFlags(place, { store: 's3://no-such-bucket', output: place.path('out.mp4') });
  const noBucket = await bivdiff('render', ...flags);
  expect(noBucket.code).toBe(2);
  expect(noBucket.stderr).toContain('NoSuchBucket');
  const malformed = await bivdiff('store', 'du', '--store', 's3:/bucket');
  expect(malformed.code).toBe(2);
  expect(malformed.stderr).toContain('"s3:/bucket" is no place on S3');
});
