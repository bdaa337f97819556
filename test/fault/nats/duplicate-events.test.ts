// Goal: a report that comes twice means nothing more than once. Method: everything that workers tell is told again as soon as it is heard, and
// each end again later, when the task may be somebody else's; one worker cannot run anything, so that there are failures to tell of.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connect, headers } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import { EVENT_SUBJECT, PROGRESS_SUBJECT } from '../../../common/bus/nats/subjects.ts';
import { TINY_SET } from '../../support/models/paths.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Marks what was told again, or it would never end. */
const AGAIN = 'Told-Again';
const LATER_MS = 700;

it('counts no report twice', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const connection = await connect({ servers: farm.nats.url });
  const again = headers();
  again.set(AGAIN, 'yes');
  let told = 0;
  for (const subject of [EVENT_SUBJECT, PROGRESS_SUBJECT]) {
    connection.subscribe(subject, {
      callback: (error, { data, headers: marks, reply }) => {
        if (error !== null || marks?.has(AGAIN) === true) return;
        const tell = (): void => {
          if (connection.isClosed()) return;
          connection.publish(subject, data, { headers: again });
          told += 1;
        };
        tell();
        // Ends alone ask for an answer.
        if (reply !== undefined && reply !== '') void delay(LATER_MS).then(tell);
      },
    });
  }
  const id = await farm.submit();
  await farm.client.pause(id);
  // Where the store has none, a worker without the right models fails what needs them.
  await rm(join(farm.store, 'documents/model'), { recursive: true });
  farm.startWorker('right');
  farm.startWorker('odd', ['--models', TINY_SET, '--cache', join(farm.folder, 'cache')]);
  await farm.seesWorkers(2);
  await farm.client.resume(id);
  expect(await farm.finish(id)).toBe(farmOf.reference());
  // The late ones too.
  await delay(2 * LATER_MS);
  await connection.close();
  const lines = [];
  for await (const line of farm.client.log(id, { follow: false })) lines.push(line);
  const failures = lines.filter(({ kind }) => kind === 'task-failed');
  expect(failures.length).toBeGreaterThan(0);
  expect(told).toBeGreaterThan(2 * farm.starts().size);
  // What the log says of a task and an attempt it says once.
  for (const kind of ['task-begun', 'task-failed', 'task-retried']) {
    const said = lines
      .filter((line) => line.kind === kind)
      .map(({ task, worker, message }) => {
        return `${task?.id} ${worker} ${task?.attempt} ${message}`;
      });
    expect(said.length, kind).toBe(new Set(said).size);
  }
  expect(lines.map(({ kind }) => kind)).not.toContain('task-lost');
  expect(lines.map(({ kind }) => kind)).not.toContain('task-diverged');
  expect(lines.filter(({ kind }) => kind === 'done')).toHaveLength(1);
  const { stages } = await farm.client.get(id);
  for (const { stage, run, reused, total } of stages) expect(run + reused, stage).toBe(total);
});
