// Gets nats-server before any test file runs, so that no test's time goes into building it.

import { findNatsServer } from '../../cli/cluster/nats-server.ts';

export async function setup(): Promise<void> {
  await findNatsServer();
}
