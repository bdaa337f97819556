// What stands in the way of Tune-A-Video among the baselines, told before anything is rendered. That it is tuned and rendered:
// test/long/tune-a-video.test.ts. The Python of these tests is a shell script, since the real one is asked for by nothing else here.

import type { ChildProcess } from 'node:child_process';
import { copyFile, readdir, writeFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { TINY_SET } from '../../support/models/paths.ts';
import { bivdiff, createWorkplace, expectOneError, SOURCE } from './workplace.ts';
import type { Workplace } from './workplace.ts';

const USAGE = 'usage: python -m export.tune_a_video';

/** A place with a spec of a clip and what the clip shows, if that is known. */
async function specPlace(text?: string): Promise<Workplace> {
  const place = await createWorkplace();
  await copyFile(SOURCE, place.path('clip.mp4'));
  if (text !== undefined) await writeFile(place.path('clip.txt'), text);
  const spec = [
    ...['apiVersion: bivdiff/v1', 'task: controlnet', `models: ${TINY_SET}`],
    ...['input: { path: clip.mp4 }', 'prompt: a red square', 'frames: 2', 'steps: 4'],
  ];
  await writeFile(place.path('spec.yaml'), spec.join('\n'));
  return place;
}

/** A program that is called as Python is. */
async function program(place: Workplace, ...lines: readonly string[]): Promise<string> {
  const path = place.path('python');
  await writeFile(path, ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 });
  return path;
}

function start(place: Workplace, ...flags: readonly string[]) {
  const words = ['compare', '--baselines', place.path('spec.yaml'), '--store', place.path('store')];
  const html = ['--html', place.path('out', 'page.html')];
  return startCli([...words, ...html, ...flags], { XDG_CACHE_HOME: place.path('cache') });
}

/** Nothing was rendered, written or kept. */
async function expectRefused(place: Workplace, run: CliRun, message: RegExp): Promise<void> {
  expectOneError(run, message);
  expect(run.stderr).not.toContain('generate');
  expect(await place.outputs()).toEqual([]);
  expect(await tuned(place)).toEqual([]);
}

/** Of what it started, which told it. */
function pidOf(child: ChildProcess): Promise<number> {
  let heard = '';
  return new Promise((resolve) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      const found = /process (\d+)\n/.exec((heard += chunk.toString()));
      if (found !== null) resolve(Number(found[1]));
    });
  });
}

function tuned(place: Workplace): Promise<readonly string[]> {
  return readdir(place.path('cache', 'bivdiff', 'tuned')).catch(() => []);
}

describe('a Python that cannot tune', () => {
  it.each([
    ['is not there', [], /--python: \S+gone cannot tune: there is no such program/],
    [
      'lacks a library',
      [
        'echo "Traceback:" >&2',
        `echo "ModuleNotFoundError: No module named 'torch'" >&2`,
        'exit 1',
      ],
      /--python: \S+python cannot tune: ModuleNotFoundError: No module named 'torch'\nhint: /,
    ],
    ['says nothing', ['kill -9 $$'], /cannot tune: it ended with SIGKILL/],
    [
      'is another program',
      ['echo "usage: cat"'],
      /--python: \S+python cannot tune: it is no Python/,
    ],
  ] as const)('is refused where it %s', async (_, lines, message) => {
    await using place = await specPlace('a red star');
    const path = lines.length === 0 ? place.path('gone') : await program(place, ...lines);
    await expectRefused(place, await endOfCli(start(place, '--python', path)), message);
  });

  it('is refused while it tunes, with the last that it said', async () => {
    await using place = await specPlace('a red star');
    const help = `case "$*" in *--help) echo "${USAGE}"; exit 0;; esac`;
    const path = await program(place, help, 'echo "step 1 of 3"', 'echo "no room" >&2', 'exit 3');
    const run = await endOfCli(start(place, '--python', path));
    await expectRefused(place, run, /Tune-A-Video: \S+python failed: no room\nhint: /);
    expect(run.stderr).toMatch(/^spec: Tune-A-Video, tuned on the source as “a red star”$/m);
    expect(run.stderr).toMatch(/^spec: Tune-A-Video, step 1 of 3$/m);
  });

  it('is ended by Ctrl-C, and nothing of it is left', async () => {
    await using place = await specPlace('a red star');
    const help = `case "$*" in *--help) echo "${USAGE}"; exit 0;; esac`;
    const path = await program(place, help, 'echo "process $$"', 'exec sleep 300');
    const child = start(place, '--python', path);
    const end = endOfCli(child);
    const pid = await Promise.race([end, pidOf(child)]);
    child.kill('SIGINT');
    const run = await end;
    expect(run.code, run.stderr).toBe(130);
    expect(run.stderr).not.toContain('error');
    expect(() => process.kill(pid as number, 0)).toThrow('ESRCH');
    expect(await tuned(place)).toEqual([]);
    expect(await place.outputs()).toEqual([]);
  });
});

describe('a source of which nobody says what it shows', () => {
  it.each([
    [
      'there is no text',
      undefined,
      /there is no \S+clip\.txt, which would say what clip\.mp4 shows/,
    ],
    ['it has no words', ' \n', /clip\.txt has no words; it says what clip\.mp4 shows/],
    ['it is no text', '\0', /clip\.txt is not UTF-8 text: line 1, byte 1/],
    ['it is too long', 'a'.repeat(4001), /clip\.txt has more than 4000 characters/],
  ] as const)('is refused where %s', async (_, text, message) => {
    await using place = await specPlace(text);
    const path = await program(place, 'exit 1');
    await expectRefused(place, await endOfCli(start(place, '--python', path)), message);
  });
});

describe('flags of the tuning', () => {
  it('are refused where nothing is tuned, or they are out of range', async () => {
    const steps = await bivdiff('compare', '--baselines', '--python', 'x', '--tune-steps', '1.5');
    expectOneError(steps, /--tune-steps: expected a whole number, 1 to 100000, got "1\.5"/);
    const needless = await bivdiff('compare', 'a.mp4', '--python', 'x', '--tune-steps', '3');
    expectOneError(needless, /--python: is for --baselines.*\n.*--tune-steps: is for --baselines/);
    const alone = await endOfCli(
      startCli(['compare', '--baselines', '--tune-steps', '3'], { BIVDIFF_PYTHON: '' }),
    );
    expectOneError(alone, /--tune-steps: is for Tune-A-Video, which needs --python/);
  });
});
