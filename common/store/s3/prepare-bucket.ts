// Whether a place on S3 is fit to be a store: refuses one that holds something else, is newer than this program, or lies on a
// server that does not keep the first of a name.

import { randomBytes } from 'node:crypto';

import { BivdiffError } from '../../errors.ts';
import { checkMark, FORMAT_MARK } from '../format-mark.ts';
import type { Bucket } from './bucket.ts';
import { AREAS, FORMAT_KEY } from './keys.ts';

/** @throws failed-precondition — see the head of this file */
export async function prepareBucket(bucket: Bucket): Promise<void> {
  const isStore = await hasFormat(bucket);
  if (!isStore) await refuseForeign(bucket);
  await probeConditions(bucket);
  if (isStore) return;
  await bucket.putIfAbsent(FORMAT_KEY, Buffer.from(FORMAT_MARK));
}

async function hasFormat(bucket: Bucket): Promise<boolean> {
  const found = await bucket.get(FORMAT_KEY);
  if (found === undefined) return false;
  const { url } = bucket.address;
  const text = Buffer.from(found.bytes).toString();
  checkMark(text, { mark: `${url}/${FORMAT_KEY}`, store: url, place: 'prefix' });
  return true;
}

async function refuseForeign(bucket: Bucket): Promise<void> {
  const names: string[] = [];
  for await (const batch of bucket.list('')) {
    names.push(...batch.map(({ name }) => name.split('/')[0] ?? ''));
    break;
  }
  const foreign = [...new Set(names)].filter((name) => !AREAS.some((area) => area === name));
  if (foreign.length === 0) return;
  const { url } = bucket.address;
  throw new BivdiffError(
    'failed-precondition',
    `${url} is not a store, and not empty: it holds ${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}`,
    { hint: 'Name an empty or a new prefix for the store.', details: { store: url } },
  );
}

/** Everything rests on this: that a name is given once, and that a second put of it is refused. */
async function probeConditions(bucket: Bucket): Promise<void> {
  const key = `tmp/probe.${randomBytes(12).toString('hex')}`;
  try {
    const [isFirst, isSecond] = [
      await bucket.putIfAbsent(key, Buffer.from('first')),
      await bucket.putIfAbsent(key, Buffer.from('second')),
    ];
    if (isFirst && !isSecond) return;
  } finally {
    await bucket.delete(key);
  }
  throw new BivdiffError(
    'failed-precondition',
    `the store ${bucket.address.url} cannot lie there: its server does not keep the first of a name (it ignores If-None-Match)`,
    { hint: 'Use a server with conditional writes: AWS S3 or versitygw, for two.' },
  );
}
