// Goal: a worker that reads many sources at once gives each job its own. Method: more jobs than sources that a worker keeps, of as many files, all
// there before the first worker begins.

import { appendFile, copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { JOB_FLAGS, referenceOf } from '../../support/reference.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const SOURCES = 12;
const SLOTS = '8';
const FLAGS = [...JOB_FLAGS, '--frames', '4', '--frame-batch', '4', '--steps', '1'];
const SOURCE = FLAGS[FLAGS.indexOf('--input') + 1]!;

it('reads twelve sources in eight slots', async () => {
  const reference = await referenceOf(FLAGS);
  const farm = await farmOf.start({ workers: 0 });
  const ids: string[] = [];
  for (let i = 0; i < SOURCES; i += 1) {
    const path = join(farm.folder, `source-${i}.mp4`);
    await copyFile(SOURCE, path);
    await appendFile(path, freeBox(i));
    ids.push(await farm.submit([...FLAGS, '--input', path]));
  }
  expect(new Set(ids).size).toBe(SOURCES);
  farm.startWorker('w1', ['--slots', SLOTS]);
  for (const id of ids) expect(await farm.finish(id)).toBe(reference);
  expect(farm.events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  farm.checkHistory();
});

/** Of an MP4 file; players pass over it. So files differ whose frames do not. */
function freeBox(content: number): Uint8Array {
  const box = Buffer.alloc(16);
  box.writeUInt32BE(box.length);
  box.write('free', 4, 'latin1');
  box.writeUInt32BE(content, 8);
  return box;
}
