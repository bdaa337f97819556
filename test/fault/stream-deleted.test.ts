// Goal: the stream is disposable. Method: delete it while frames are generated.

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import { STREAM } from '../../common/bus/nats/index.ts';
import { useFarm } from '../support/use-farm.ts';

const farmOf = useFarm();

it('goes on when the stream is deleted in mid-render', async () => {
  const farm = await farmOf.start();
  const begun = farm.started('generate');
  const id = await farm.submit();
  await begun;
  const connection = await connect({ servers: farm.nats.url });
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(STREAM);
  // The fault hits something: tasks were on it.
  expect(state.messages).toBeGreaterThan(0);
  await manager.streams.delete(STREAM);
  await connection.close();
  expect(await farm.finish(id)).toBe(farmOf.reference());
  farm.checkHistory({ extraStartsMax: 4 });
});
