// Goal: a store that takes nothing for a while, or is not there, loses nothing: what is wrong is said, and the job goes on by itself or when it
// is resumed. Method: the store is a mount; in the middle of a task it is mounted read-only, as Linux does with a disk that fails, or
// hidden under an empty mount, as it is where one was unmounted. Later it is as before.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, expect, it } from 'vitest';

import { sharedSmallDisk } from '../../support/conformance/small-disk.ts';
import type { SharedSmallDisk } from '../../support/conformance/small-disk.ts';
import { isAlive } from '../../support/farm/farm-program.ts';
import { useFarm } from '../../support/farm/use-farm.ts';

const farmOf = useFarm();
let disk: SharedSmallDisk | undefined;
afterEach(async () => {
  await disk?.close();
  disk = undefined;
});

interface Fault {
  readonly what: string;
  /** Commands, run where the store is mounted. */
  readonly begin: (store: string) => readonly string[];
  readonly end: (store: string) => readonly string[];
  /** What failures say. */
  readonly codes: readonly string[];
  readonly words: RegExp;
  /** Whether what is there is not seen meanwhile. */
  readonly hides: boolean;
}

it.each<Fault>([
  {
    what: 'read-only',
    begin: (store) => ['mount', '-o', 'remount,ro', store],
    end: (store) => ['mount', '-o', 'remount,rw', store],
    codes: ['permission-denied'],
    words: /read-only file system/i,
    hides: false,
  },
  {
    what: 'away',
    begin: (store) => ['mount', '-t', 'tmpfs', 'tmpfs', store],
    end: (store) => ['umount', store],
    // Or that an input is not there.
    codes: ['failed-precondition', 'data-loss'],
    words: /no such file or directory|not in the store|is gone/i,
    hides: true,
  },
])(
  'says what is wrong while its store is $what, and goes on',
  async ({ begin, end, codes, words, hides }) => {
    const farm = await farmOf.start({
      surroundings: async (folder) => {
        const store = join(folder, 'store');
        await mkdir(store);
        disk = await sharedSmallDisk(store, 'size=256m');
        return { prefix: disk.prefix };
      },
    });
    const inside = async ([command = '', ...args]: readonly string[]): Promise<void> => {
      const [enter = '', ...rest] = disk!.prefix;
      await promisify(execFile)(enter, [...rest, command, ...args]);
    };
    const running = farm.inTheMiddle('w1');
    const id = await farm.submit();
    await running;
    const failure = farm.next((event) => event.kind === 'failed');
    const results = new Set(
      farm.events.flatMap(({ kind, taskId }) => (kind === 'committed' ? [taskId] : [])),
    );
    if (hides) for (const taskId of results) farm.strikes({ kind: 'damages', taskId });
    // Not while a file is open there to be written.
    await farm.until('the fault is there', () => inside(begin(farm.store)).then(() => true));
    // Its results find no place, and its workers say why.
    const failed = await failure;
    if (failed.kind === 'failed') expect(codes).toContain(failed.failure.code);
    await farm.until('the coordinator has met it too', async () => {
      return words.test(farm.coordinator!.log());
    });
    await inside(end(farm.store));
    const stateNow = async (): Promise<string> => (await farm.client.get(id)).state;
    // The end of a job cannot be written down either; what is met a moment later may be.
    await farm.until('the job runs, or has failed', async () => {
      return ['running', 'done', 'failed'].includes(await stateNow());
    });
    const { state, failure: told } = await farm.client.get(id);
    if (state === 'failed') {
      expect(told!.message).toMatch(words);
      await farm.client.resume(id);
    }
    expect(await farm.finish(id)).toBe(farmOf.reference());
    for (const program of [farm.coordinator!, ...farm.workers.values()]) {
      expect(isAlive(program.child), `${program.name}: ${program.log()}`).toBe(true);
    }
    farm.checkHistory();
  },
);
