// Goal: a disk without room, or a folder that takes no files, is told as such by every writer of pictures: with the output as the user named it
// and what to do, never as a defect. Method: the real program on a real disk that is full; skipped where nobody may mount one.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { sharedSmallDisk, smallDisk } from '../../support/conformance/small-disk.ts';
import { casesOf } from '../../support/thorough.ts';
import { endOfCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { FIXTURES, MAIN, SOURCE, createWorkplace, tinyFlags } from './workplace.ts';

const SKIPPED = 'this machine lets nobody mount a small disk';
const LEFT_OVER = 'left over: ';
const OUTPUTS = ['a.mov', 'a.mp4', 'a.mkv', 'a.webm', 'a.gif', 'frames/'];
/** Of each way of writing: a video, pictures. */
const QUICK = ['a.mkv', 'frames/'];

/** Runs `bivdiff` with a disk at the folder, and lists at the end what lies on it. */
async function onDisk(
  folder: string,
  options: string,
  words: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<CliRun | undefined> {
  await mkdir(folder, { recursive: true });
  const { means, prefix } = await smallDisk(folder, options);
  if (means !== 'tmpfs') return undefined;
  const list = `"$@"; end=$?; echo "${LEFT_OVER}$(ls -A '${folder}' | tr '\\n' ' ')"; exit $end`;
  const [command, ...args] = [...prefix, 'sh', '-c', list, 'sh', process.execPath, MAIN];
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return endOfCli(
    spawn(command, [...args, ...words], { stdio: [...stdio], env: { ...process.env, ...env } }),
  );
}

describe('a roundtrip', () => {
  it.for(casesOf(OUTPUTS, (name) => QUICK.includes(name)))(
    'onto a full disk names %s and says to make room',
    async (name, context) => {
      await using place = await createWorkplace();
      const folder = place.path('small');
      const output = join(folder, name);
      const run = await onDisk(folder, 'size=16k', ['roundtrip', SOURCE, output, '--quiet']);
      if (run === undefined) return context.skip(SKIPPED);
      expect(run.code, run.stderr).toBe(1);
      expect(run.stderr).toContain(`error: cannot write ${output.replace(/\/$/, '')}`);
      expect(run.stderr).toMatch(/no space left on device/);
      expect(run.stderr).toMatch(/^hint: Make room on that disk/m);
      expect(run.stderr).not.toMatch(/defect|store|\.partial|movie/);
      expect(run.stdout).toBe(`${LEFT_OVER}\n`);
    },
  );
});

describe('a render', () => {
  it('whose video is encoded on a full disk says where that is, and how to have it elsewhere', async (context) => {
    await using place = await createWorkplace();
    const folder = place.path('tmp');
    // Which has room there, and nothing else.
    const input = join(FIXTURES, 'b-frames.mp4');
    const flags = tinyFlags(place, { input, stride: '1', output: place.path('out', 'a.mkv') });
    const run = await onDisk(folder, 'size=8k', ['render', '--quiet', ...flags], {
      TMPDIR: folder,
    });
    if (run === undefined) return context.skip(SKIPPED);
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toContain(`cannot write ${folder}`);
    expect(run.stderr).toMatch(/^hint: .*TMPDIR/m);
    expect(run.stderr).not.toMatch(/defect|\.partial/);
    expect(await place.outputs()).toEqual([]);
  });

  it.for(casesOf([['plain lines'], ['--quiet']], ([flag]) => flag === '--quiet'))(
    'says that the store has no room, where, and that it waits; and goes on when there is some: %s',
    // Where nothing is said it waits for ever.
    { timeout: 60_000 },
    async ([flag]) => {
      await using place = await createWorkplace();
      const folder = place.path('store');
      await mkdir(folder);
      const disk = await sharedSmallDisk(folder, 'size=3m');
      let child: ChildProcess | undefined;
      try {
        const filler = join(disk.folder, '.filler');
        await writeFile(filler, Buffer.alloc(2_900_000));
        const flags = tinyFlags(place, { output: place.path('out', 'a.mp4'), size: '256x256' });
        const words = ['render', ...flags, ...(flag === '--quiet' ? [flag] : [])];
        const [command = '', ...args] = [...disk.prefix, process.execPath, MAIN, ...words];
        child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
        let told = '';
        const waits = new Promise<void>((resolve) => {
          child!.stderr!.on('data', (chunk: Buffer) => {
            told += chunk.toString();
            if (told.includes('once there is room')) resolve();
          });
        });
        const ended = endOfCli(child);
        await Promise.race([waits, ended]);
        expect(told).toMatch(/^waiting for room in the store: .*the disk is full: \d+ bytes/m);
        expect(told).toContain(folder);
        expect(told).toMatch(/^hint: Free some room there.* goes on by itself/m);
        await rm(filler);
        const run = await ended;
        expect(run.code, run.stderr).toBe(0);
        expect(run.stderr).toMatch(/^there is room in the store again: the render goes on$/m);
        expect(await place.outputs()).toEqual(['a.mp4']);
      } finally {
        child?.kill('SIGKILL');
        await disk.close();
      }
    },
  );
});
