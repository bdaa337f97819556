// A control plane whose API server dies and comes back, and one whose owner is killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { CoreV1Api } from '@kubernetes/client-node';
import { expect, it } from 'vitest';

import { addNodes, gpuPod } from '../support/kubernetes/nodes.ts';
import { isRunning } from '../support/kubernetes/pods.ts';
import { startControlPlane } from '../support/kubernetes/plane/start-control-plane.ts';
import { until } from '../support/kubernetes/until.ts';

const START = join(import.meta.dirname, '../support/kubernetes/plane/start-control-plane.ts');
const namespace = 'default';

it('goes on with what it knew when its API server comes back', async () => {
  await using plane = await startControlPlane();
  const core = plane.api(CoreV1Api);
  const run = async (name: string): Promise<void> => {
    await core.createNamespacedPod({ namespace, body: gpuPod(name, 1) });
    await until(`${name} runs`, async () =>
      isRunning(await core.readNamespacedPod({ namespace, name })),
    );
  };
  await addNodes(plane, [{ name: 'node', gpus: 2 }]);
  await run('before');
  const server = plane.programs['kube-apiserver'];
  await server.kill();
  await expect(core.listNamespacedPod({ namespace })).rejects.toThrow();
  await server.start();
  await plane.isReady();
  await run('after');
  const { items } = await core.listNamespacedPod({ namespace });
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(['after', 'before']);
});

it('dies with a process that is killed', async () => {
  const script = `
    const { startControlPlane } = await import(${JSON.stringify(START)});
    const plane = await startControlPlane();
    console.log(JSON.stringify(Object.values(plane.programs).map(({ pid }) => pid)));
    console.log(plane.folder);
  `;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(owner.stdout);
  const [pids, folder] = await take(lines, 2);
  const processes = JSON.parse(pids!) as number[];
  expect(processes.filter(isThere)).toHaveLength(5);
  const ended = once(owner, 'exit');
  owner.kill('SIGKILL');
  await ended;
  await until('its programs are dead', async () => !processes.some(isThere));
  // So would the next process that makes such a folder, perhaps before us.
  await rm(folder!, { recursive: true, force: true });
});

async function take(lines: AsyncIterable<string>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const line of lines) if (taken.push(line) === count) break;
  return taken;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
