// Goal: an acknowledgement that is lost costs nothing. Method: the worker reaches NATS through a proxy that drops what it says to
// end its first tasks; the messages come again after the lease, and are answered from the store.

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import { STREAM } from '../../../common/bus/nats/index.ts';
import { taskOfSubject } from '../../../common/bus/nats/subjects.ts';
import type { TaskId } from '../../../common/task.ts';
import { losingAcks } from '../../support/network/nats-proxy.ts';
import type { LostAck } from '../../support/network/nats-proxy.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** Each makes its worker wait for a confirmation for two seconds. */
const LOST = 4;

it('answers a message that comes again from the store', async () => {
  const farm = await farmOf.start({ workers: 0 });
  const lost: LostAck[] = [];
  const proxy = await farmOf.proxy(farm.nats.url, losingAcks(lost, LOST));
  for (const name of ['w1', 'w2']) farm.startWorker(name, [], { nats: `nats://${proxy.address}` });
  await farm.seesWorkers(2);
  const connection = await connect({ servers: farm.nats.url });
  const manager = await jetstreamManager(connection);
  const id = await farm.submit();
  await farm.until('acknowledgements were lost', async () => lost.length === LOST);
  // The server has not heard of them: it still holds the messages of what is in the store already.
  const tasks: TaskId[] = [];
  for (const { subject } of lost) {
    const seq = Number(subject.split('.').at(-4));
    const message = await manager.streams.getMessage(STREAM, { seq });
    tasks.push(taskOfSubject(message!.subject)!);
  }
  for (const task of tasks) {
    // What any task failed with, too: a reader that misses its input has the input's record dropped.
    const telling = farm.events.filter(({ kind, taskId }) => taskId === task || kind === 'failed');
    const said = JSON.stringify(telling);
    expect(await farm.hasRecord(task), said).toBe(true);
  }
  expect(await farm.finish(id)).toBe(farmOf.reference());
  const answers = (task: TaskId): number =>
    farm.events.filter(({ kind, taskId }) => kind === 'committed' && taskId === task).length;
  for (const task of tasks) {
    await farm.until(`${task} was delivered again`, async () => answers(task) > 1);
  }
  await farm.until('nothing is left on the stream', async () => {
    return (await manager.streams.info(STREAM)).state.messages === 0;
  });
  await connection.close();
  // Nothing ran twice.
  farm.checkHistory();
});
