// A BullMQ worker process: `bullmq-worker.ts PORT QUEUE CONCURRENCY`, forked by bullmq-peer.ts. A job's data say how long it sleeps; its result
// is how long it did. Says 'ready' to its parent, and ends when the parent lets go of it.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { Worker } from 'bullmq';

const [port, queue, concurrency] = process.argv.slice(2);
const worker = new Worker(
  queue!,
  async ({ data }) => {
    if (data.ms === 0) return null;
    const begunMs = performance.now();
    await sleep(data.ms);
    return (performance.now() - begunMs) / 1000;
  },
  {
    connection: { host: '127.0.0.1', port: Number(port) },
    concurrency: Number(concurrency),
  },
);
await worker.waitUntilReady();
process.send!('ready');
await once(process, 'disconnect');
// Not worker.close(): that waits for the blocking read to end, and nothing here is worth keeping.
process.exit();
