// Goal: the stream is disposable. Method: delete it while frames are generated.

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import { STREAM, taskSubject } from '../../../common/bus/nats/subjects.ts';
import { queueHere } from '../../support/farm/queue-here.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();

it('goes on when the stream is deleted in mid-render', async () => {
  const farm = await farmOf.start();
  const begun = farm.started('generate');
  const id = await farm.submit();
  const { worker, taskId } = await begun;
  const connection = await connect({ servers: farm.nats.url });
  const manager = await jetstreamManager(connection);
  // The fault hits the task: its message is on the stream, and nobody has heard of its end.
  const last_by_subj = taskSubject(queueHere('generate'), taskId);
  expect(await manager.streams.getMessage(STREAM, { last_by_subj })).not.toBeNull();
  farm.strikes({ kind: 'loses' });
  await manager.streams.delete(STREAM);
  expect(farm.unfinished(worker)).toContain(taskId);
  await connection.close();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory();
});
