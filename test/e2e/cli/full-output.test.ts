// Goal: output that cannot be written ends in one line and exit code 1, whichever command it is of; who stops reading is no failure; and who
// does not read what is told meanwhile loses no work. Method: the real program before /dev/full and closed pipes.

import { spawn } from 'node:child_process';
import type { StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { casesOf } from '../../support/thorough.ts';
import { TINY_SET } from '../../support/models/paths.ts';
import { MAIN, SOURCE, createWorkplace, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** With one of the two streams full. */
async function runFull(words: readonly string[], full: 'stdout' | 'stderr'): Promise<Ended> {
  const device = await open('/dev/full', 'w');
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  stdio[full === 'stdout' ? 1 : 2] = device.fd;
  const child = spawn(process.execPath, [MAIN, ...words], { stdio });
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  await device.close();
  return { code, ...text };
}

const out = (place: Workplace): string => place.path('out', 'clip.mp4');

describe('a full standard output', () => {
  const commands: [string, (place: Workplace) => readonly string[]][] = [
    ['--help', () => ['--help']],
    ['completion', () => ['completion', 'bash']],
    ['probe', () => ['probe', SOURCE]],
    ['probe --json', () => ['probe', SOURCE, '--json']],
    ['models check --json', () => ['models', 'check', TINY_SET, '--json']],
    ['models list', () => ['models', 'list']],
    ['simulate --json', () => ['simulate', '--jobs', '2', '--workers', '3', '--json']],
    ['plan --json', (place) => ['plan', '--json', ...tinyFlags(place)]],
    ['roundtrip --json', (place) => ['roundtrip', SOURCE, out(place), '--quiet', '--json']],
    ['render', (place) => ['render', '--quiet', ...tinyFlags(place, { output: out(place) })]],
    [
      'render --json',
      (place) => ['render', '--quiet', '--json', ...tinyFlags(place, { output: out(place) })],
    ],
  ];
  const quick = ['--help', 'completion', 'probe', 'models check --json', 'render --json'];

  it.for(casesOf(commands, ([name]) => quick.includes(name)))(
    'is told in one line: %s',
    async ([, words]) => {
      await using place = await createWorkplace();
      const { code, stderr } = await runFull(words(place), 'stdout');
      expect(stderr).toMatch(
        /^error: cannot write to standard output: ENOSPC: no space left on device.*\n$/,
      );
      expect(code).toBe(1);
    },
  );

  it('hides no other error', async () => {
    const { code, stderr } = await runFull(['probe', 'none.mp4', '--json'], 'stdout');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*none\.mp4: no such file/);
    expect(stderr).toMatch(/^error: cannot write to standard output: .*\n$/m);
  });
});

describe('a reader that goes away', () => {
  it('is no failure', async () => {
    const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('standard error that takes nothing', () => {
  it('stops no render', async () => {
    await using place = await createWorkplace();
    const words = ['render', '--json', ...tinyFlags(place, { output: out(place) })];
    const { code, stdout } = await runFull(words, 'stderr');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'bivdiff-report' });
    expect((await readFile(out(place))).subarray(4, 8).toString()).toBe('ftyp');
  });
});
