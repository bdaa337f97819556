// Goal: what does not fit into memory is refused before anything is copied, with settings that do fit, and those give the bytes of a render that has plenty.
// Method: the real program on the tiny models, of which the session of a graph takes more than its weights; a container's limit where one can be made here.

import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { EXIT_FAILED } from '../../../cli/output/exit-codes.ts';
import { endOfCli } from '../../support/cli-process.ts';
import { MAIN, bivdiff, createWorkplace, expectOneError, jsonOf, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const TOO_LITTLE = { 'memory-gib': '0.01' };
const REFUSED =
  /\S+ needs 0\.\d+ GiB of memory \(\S+: 0\.\d+ GiB loaded, \d\.\d+ GiB for a run at \d+x\d+\), and this process has 0\.010 GiB: 0\.\d+ GiB are missing/;

function artifactsIn(place: Workplace): readonly string[] {
  return readdirSync(place.path('store'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath.includes('artifacts'))
    .map(({ name }) => name);
}

describe('a render that does not fit', () => {
  it.each(['render', 'plan'])('is refused by %s before anything is copied', async (command) => {
    await using place = await createWorkplace();
    const output = command === 'render' ? { output: place.path('out', 'clip.mp4') } : {};
    const run = await bivdiff(command, ...tinyFlags(place, { ...output, ...TOO_LITTLE }));
    expectOneError(run, REFUSED, EXIT_FAILED);
    expect(await place.outputs()).toEqual([]);
    expect(artifactsIn(place)).toEqual([]);
  });

  it('fits with the memory that the refusal names, to the bytes of a render with plenty', async () => {
    await using place = await createWorkplace();
    const output = place.path('out', 'clip.mp4');
    const refused = await bivdiff('plan', ...tinyFlags(place, TOO_LITTLE));
    const [, gib = ''] = /--memory-gib (\S+)\./.exec(refused.stderr) ?? [];
    const renderWith = async (more: Readonly<Record<string, string>>, store: string) => {
      const flags = tinyFlags(place, { output, store: place.path(store), ...more });
      const run = await bivdiff('render', '--quiet', '--json', '--overwrite', ...flags);
      expect(run.code, run.stderr).toBe(0);
      return jsonOf<{ readonly job: string; readonly sha256: string; readonly tasks: object }>(run);
    };
    const short = await renderWith({ 'memory-gib': gib }, 'short');
    const plenty = await renderWith({}, 'plenty');
    expect(short.sha256).toBe(plenty.sha256);
    expect(short.job).toBe(plenty.job);
    // The same tasks, too: what one has made the other takes.
    const again = await renderWith({}, 'short');
    expect(again.tasks).toMatchObject({ run: 0 });
  });
});

describe('a farm on one machine', () => {
  it('is not started where a slot cannot load a model', async () => {
    await using place = await createWorkplace();
    const places = ['--store', place.path('store'), '--listen', '127.0.0.1:0'];
    const run = await bivdiff('up', '--workers', '2', '--memory-gib', '0.002', ...places);
    expectOneError(
      run,
      /needs \d+\.\d MiB for its weights, and a slot of 2 has 1\.0 MiB: \d+\.\d MiB are missing/,
      EXIT_FAILED,
    );
    expect(run.stderr).toMatch(/It would fit with --memory-gib 0\.\d/);
  });
});

describe('flags of memory', () => {
  it.each(['render', 'up'])('that are none are refused by %s', async (command) => {
    await using place = await createWorkplace();
    const flags = command === 'up' ? ['--workers', '1'] : tinyFlags(place);
    const run = await bivdiff(command, ...flags, '--memory-gib', 'much');
    expectOneError(run, /--memory-gib: expected a number above 0, got "much"/);
  });
});

const CONTROLLER = '/sys/fs/cgroup/memory';

/** A container as the kernel makes one, version 1 of control groups; undefined where this process may not. */
function createContainer(bytes: number): (Disposable & { readonly processes: string }) | undefined {
  const folder = join(CONTROLLER, `bivdiff-test-${process.pid}`);
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, 'memory.limit_in_bytes'), String(bytes));
  } catch {
    return undefined;
  }
  return {
    processes: join(folder, 'cgroup.procs'),
    [Symbol.dispose]: () => rmdirSync(folder),
  };
}

describe('a container with a limit', () => {
  it('counts, not the memory of its machine', async ({ skip }) => {
    using container = createContainer(400 * 2 ** 20);
    if (container === undefined) return skip('no control group can be made here');
    await using place = await createWorkplace();
    const flags = tinyFlags(place, { slots: '16' });
    const words = [process.execPath, MAIN, 'plan', ...flags];
    const script = 'echo $$ > "$0" && exec "$@"';
    const run = await endOfCli(
      spawn('sh', ['-c', script, container.processes, ...words], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    expectOneError(run, /and each of 16 slots has 0\.012 GiB/, EXIT_FAILED);
    return undefined;
  });
});
