// Gets nats-server before any test file runs, so that no test's time goes into building it.

import { findNatsServer } from '../../../cli/programs/nats-server.ts';

export async function setup(): Promise<void> {
  await findNatsServer();
}
