// Goal: a farm takes and finishes a job of 100,000 frames, with a nats-server as it comes. Method: real nats-server, coordinator, command line,
// store, worker loop and assembly; what the other stages would make costs nothing.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { connect } from '@nats-io/transport-node';
import { expect, it } from 'vitest';

import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../common/node-flags.ts';
import { EVENT_SUBJECT, TASK_SUBJECTS } from '../../common/bus/nats/subjects.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import { endOfCli, startCli } from '../support/cli-process.ts';
import type { FaultFarm } from '../support/farm/fault-farm.ts';
import { PeakMemory } from '../support/farm/peak-memory.ts';
import { useFarm } from '../support/farm/use-farm.ts';
import { makeClip } from '../support/media/made-clip.ts';

const FRAMES = Number(process.env['BIVDIFF_MANY_FRAMES'] ?? 100_000);
const WORKERS = 3;
const SLOTS = 16;
const JOB_MS = 1_500_000;
/** An eighth of what a server takes if nothing else is said. */
const MESSAGE_BYTES_MAX = 128 << 10;
/** Some 4 KiB a frame, with a program's own. */
const COORDINATOR_MIB_MAX = 1_024;

const farmOf = useFarm();

async function startWorker(farm: FaultFarm, name: string): Promise<ChildProcess> {
  const args = ['--nats', farm.nats.url, '--store', farm.store, '--name', name];
  const program = join(import.meta.dirname, '../support/farm/noop-worker.ts');
  const child = fork(program, [...args, '--slots', String(SLOTS)], {
    execArgv: [...NODE_FLAGS],
    env: { ...NODE_ENVIRONMENT, ...process.env },
  });
  await once(child, 'message');
  return child;
}

/** The largest message of a task, or of a worker's events. */
async function watchMessages(url: string) {
  const connection = await connect({ servers: url });
  const largest = { bytes: 0 };
  for (const subject of [TASK_SUBJECTS, EVENT_SUBJECT]) {
    connection.subscribe(subject, {
      callback: (_, { data }) => {
        largest.bytes = Math.max(largest.bytes, data.length);
      },
    });
  }
  return { largest, close: () => connection.close() };
}

it('are rendered, fetched and told of', { timeout: 2 * JOB_MS }, async () => {
  const farm = await farmOf.start({ workers: 0 });
  const names = Array.from({ length: WORKERS }, (_, i) => `noop-${i}`);
  const workers = await Promise.all(names.map((name) => startWorker(farm, name)));
  const messages = await watchMessages(farm.nats.url);
  const watched = new Map([['coordinator', farm.coordinator!.child]]);
  workers.forEach((worker, index) => watched.set(names[index]!, worker));
  const memory = new PeakMemory(watched);
  try {
    await farm.seesWorkers(WORKERS);
    const clip = join(farm.folder, 'clip.mp4');
    await makeClip(clip, FRAMES);
    const begunMs = performance.now();
    const id = await farm.submit([
      ...['--task', 'controlnet', '--control', 'canny', '--prompt', 'a black square'],
      ...['--input', clip, '--stride', '1', '--frames', String(FRAMES)],
      ...['--size', '64x64', '--steps', '5', '--mixing-ratio', '0.5'],
    ]);
    await farm.finish(id, JOB_MS);
    const seconds = (performance.now() - begunMs) / 1000;
    const video = join(farm.folder, 'fetched.mp4');
    for (const words of [['fetch', id, '--output', video], ['watch', id], ['logs', id], ['list']]) {
      const run = await endOfCli(startCli([...words, '--server', farm.server]));
      expect(run.code, `${words[0]}: ${run.stderr}`).toBe(0);
    }
    await using media = createMediaService();
    expect((await media.probe(video)).frames).toBe(FRAMES);
    let listed = 0;
    for await (const { frames } of farm.client.frames(id)) listed += frames.length;
    expect(listed).toBe(FRAMES);
    await memory.look();
    const peaks = [...memory.peaks].map(([name, mib]) => `${name} ${mib.toFixed(0)} MiB`);
    const { bytes } = messages.largest;
    process.stderr.write(`${seconds.toFixed(0)} s; ${peaks.join(', ')}; message ${bytes} bytes\n`);
    expect(bytes).toBeLessThan(MESSAGE_BYTES_MAX);
    expect(memory.peaks.get('coordinator')).toBeLessThan(COORDINATOR_MIB_MAX);
  } finally {
    memory.end();
    for (const worker of workers) worker.kill('SIGKILL');
    await messages.close();
  }
});
