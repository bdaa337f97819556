// Goal: a source that takes long to read keeps nobody waiting but the Render that it is of. Method: a real API server and coordinator, and files
// that are all hole: nothing of them is on the disk, and reading them takes longer than this test does.

import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { died } from '../../support/farm/farm-program.ts';
import type { Listed, RenderPlace } from '../../support/kubernetes/renders/render-place.ts';
import { useRenders } from '../../support/kubernetes/renders/render-place.ts';
import { until } from '../../support/kubernetes/until.ts';

/** As much as anybody could upload. */
const LARGE_BYTES = 16 * 2 ** 30;
/** Names of those that the coordinator has begun with. */
const BEGUN = 'jsonpath={.items[?(@.metadata.finalizers)].metadata.name}';

const { arrange } = useRenders();

async function applyLarge(place: RenderPlace, name: string): Promise<void> {
  const file = join(place.sources, `${name}.mp4`);
  await writeFile(file, '');
  await truncate(file, LARGE_BYTES);
  await place.apply(name, { source: { path: `${name}.mp4` } });
}

it('keeps no other Render waiting, nor the end of the coordinator', async () => {
  const place = await arrange();
  const { farm } = place;
  await place.apply('star');
  const { jobId } = (await place.reaches('star', 'Queued', 'Running')).status;
  const names = ['large-1', 'large-2', 'large-3'];
  for (const name of names) await applyLarge(place, name);
  const remove = async (name: string): Promise<void> => {
    const { code } = await place.kubectl(['delete', 'render', name, '--timeout', '20s']);
    expect(code, `${name}\n${place.coordinator.log()}`).toBe(0);
  };
  const begun = async (): Promise<readonly string[]> => {
    const { out } = await place.kubectl(['get', 'renders', '-o', BEGUN]);
    return out.split(' ').filter((name) => names.includes(name));
  };
  /** Whether nothing is known of their sources yet. */
  const areUnread = async (): Promise<boolean> => {
    const left = await Promise.all((await begun()).map((name) => place.get(name)));
    return left.every(({ status }: Partial<Listed>) => status === undefined);
  };
  const first = await until('two are being taken', async () => {
    const [one, ...others] = await begun();
    return others.length === 1 && one;
  });

  await remove('star');
  expect((await farm.client.get(jobId)).state).toBe('cancelled');
  expect(await areUnread()).toBe(true);
  // One of them leaves itself, and the third has its place.
  await remove(first);
  await until('the third is being taken', async () => (await begun()).length === 2);
  expect(await areUnread()).toBe(true);

  place.coordinator.child.kill('SIGTERM');
  await died(place.coordinator);
  expect(place.coordinator.child.exitCode, place.coordinator.log()).toBe(0);
  expect(await begun()).toHaveLength(2);
  expect(await areUnread()).toBe(true);
  for (const name of names) await rm(join(place.sources, `${name}.mp4`));
});
