// Goal: rubbish on the bus deafens no program. Method: while frames are generated a stranger publishes rubbish to every subject that a program
// listens to, and as tasks. Each program reaches NATS through a proxy that counts its connections: one that meets an error while it reads
// leaves its connection and makes another, and hears nothing meanwhile.

import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import * as subjects from '../../../common/bus/nats/subjects.ts';
import { isAlive, killed } from '../../support/farm/farm-program.ts';
import { queueHere } from '../../support/farm/queue-here.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
const RUBBISH = ['', '{', 'null', '[{}]', '{"kind":"started"}', '\u0000\u00ff', '\n\u0002\n\u0000'];
/** Those of one part each: events, steps, beats, cancels, and whatever else programs tell each other. */
const SUBJECTS = Object.entries(subjects).flatMap(([name, subject]) =>
  name.endsWith('_SUBJECT') && typeof subject === 'string' ? [subject] : [],
);

it('goes on through rubbish on every subject', async () => {
  const farm = await farmOf.start({ workers: 0 });
  await killed(farm.coordinator!.child);
  const proxies = [];
  for (const name of ['coordinator', 'w1', 'w2']) {
    const proxy = await farmOf.proxy(farm.nats.url);
    proxies.push(proxy);
    const place = { nats: `nats://${proxy.address}` };
    if (name === 'coordinator') farm.startCoordinator(undefined, place);
    else farm.startWorker(name, [], place);
  }
  await farm.seesWorkers(2);
  const begun = farm.started('generate');
  const id = await farm.submit();
  await begun;
  const stranger = await connect({ servers: farm.nats.url });
  const js = jetstream(stranger);
  for (const [index, text] of RUBBISH.entries()) {
    for (const subject of SUBJECTS) stranger.publish(subject, text);
    const key = String(index).padStart(64, '0');
    await js.publish(subjects.taskSubject(queueHere('generate'), key), text);
  }
  await stranger.flush();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  await stranger.close();
  expect(SUBJECTS.length).toBeGreaterThan(4);
  for (const { name, child, log } of [farm.coordinator!, ...farm.workers.values()]) {
    expect(isAlive(child), `${name}: ${log()}`).toBe(true);
  }
  expect(proxies.map(({ connections }) => connections)).toEqual([1, 1, 1]);
  farm.checkHistory();
});
