// Goal: a message that is delivered twice, or whose acknowledgement is lost, costs nothing. Method: put every task message on the
// stream a second time as soon as its task is committed: that is what a lost acknowledgement looks like to a worker.

import { setTimeout as delay } from 'node:timers/promises';

import { jetstream, JetStreamApiError } from '@nats-io/jetstream';
import type { JetStreamClient } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import { TASK_SUBJECTS, taskOfSubject } from '../../../common/bus/nats/subjects.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
/** JetStream's error for a subject that holds as many messages as it may. */
const SUBJECT_IS_FULL = 10_077;
const PUT_TRIES = 1_000;

it('runs nothing twice when every message comes twice', async () => {
  const farm = await farmOf.start();
  const connection = await connect({ servers: farm.nats.url });
  const js = jetstream(connection);
  const messages = new Map<string, { subject: string; bytes: Uint8Array }>();
  const doubled = new Set<string>();
  const putting: Promise<void>[] = [];
  const subscription = connection.subscribe(TASK_SUBJECTS, {
    callback: (error, msg) => {
      const taskId = taskOfSubject(msg.subject)!;
      // Not what we put there ourselves, or it would never end.
      if (error === null && !doubled.has(taskId)) {
        messages.set(taskId, { subject: msg.subject, bytes: msg.data });
      }
    },
  });
  void farm
    .next((event) => {
      const message = event.kind === 'committed' ? messages.get(event.taskId) : undefined;
      if (message === undefined) return false;
      messages.delete(event.taskId);
      doubled.add(event.taskId);
      putting.push(putAgain(js, message));
      return false;
    })
    .catch(() => undefined);
  const id = await farm.submit();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  await Promise.all(putting);
  // The second message arrived too: its task is answered once more.
  const answers = (task: string): number =>
    farm.events.filter(({ kind, taskId }) => kind === 'committed' && taskId === task).length;
  await farm.until('every second message is answered', async () => {
    return [...doubled].every((task) => answers(task) > 1);
  });
  subscription.unsubscribe();
  await connection.close();
  expect(doubled.size).toBeGreaterThan(20);
  farm.checkHistory();
});

/** Its subject has room once the first message is acknowledged, which comes after the event. */
async function putAgain(
  js: JetStreamClient,
  { subject, bytes }: { readonly subject: string; readonly bytes: Uint8Array },
): Promise<void> {
  for (let tries = 0; tries < PUT_TRIES; tries += 1) {
    try {
      await js.publish(subject, bytes);
      return;
    } catch (reason) {
      if (!(reason instanceof JetStreamApiError) || reason.code !== SUBJECT_IS_FULL) throw reason;
      await delay(5);
    }
  }
  throw new Error(`${subject} never had room`);
}
