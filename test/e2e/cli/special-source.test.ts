// Goal: what is neither a file nor a folder is refused as a source at once, by every command that takes one. Method: the real program on
// real pipes, sockets and devices; a program that opened them would wait for ever.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { putSource } from '../../../common/sources/source.ts';
import { createMemoryStore } from '../../../common/store/memory/index.ts';
import { bivdiff, createWorkplace, tinyFlags } from './workplace.ts';
import type { Workplace } from './workplace.ts';

async function pipeIn(place: Workplace): Promise<string> {
  const pipe = place.path('clip.mp4');
  await promisify(execFile)('mkfifo', [pipe]);
  return pipe;
}

describe.skipIf(process.platform === 'win32')('a source that is a pipe', () => {
  const render = (place: Workplace, input: string): string[] =>
    tinyFlags(place, { input, output: place.path('out', 'a.mp4') });
  it.each([
    ['probe', (_: Workplace, input: string) => ['probe', input]],
    ['roundtrip', (place: Workplace, input: string) => ['roundtrip', input, place.path('a.mp4')]],
    ['render', (place: Workplace, input: string) => ['render', ...render(place, input)]],
    ['plan', (place: Workplace, input: string) => ['plan', ...tinyFlags(place, { input })]],
    [
      'submit',
      (_: Workplace, input: string) => [
        ...['submit', '--task', 'frames', '--input', input, '--prompt', 'a'],
        ...['--server', '127.0.0.1:1'],
      ],
    ],
  ])('is refused by %s', async (_, wordsOf) => {
    await using place = await createWorkplace();
    const run = await bivdiff(...wordsOf(place, await pipeIn(place)));
    expect(run.code, run.stderr).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^error: .*clip\.mp4 is a pipe, not a file or folder$/m);
    expect(run.stderr.match(/^error: /gm)).toHaveLength(1);
    expect(await place.outputs()).toEqual([]);
  });
});

describe.skipIf(process.platform === 'win32')('a source that is', () => {
  it('a socket, is refused', async () => {
    await using place = await createWorkplace();
    const socket = place.path('s.mp4');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    try {
      const run = await bivdiff('probe', socket);
      expect(run.code).toBe(2);
      expect(run.stderr).toMatch(/s\.mp4 is a socket, not a file or folder/);
    } finally {
      server.close();
    }
  });

  it('a device, is refused, also by whoever puts it into a store', async () => {
    const device = join('/dev', 'zero');
    const run = await bivdiff('probe', device);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/zero is a device, not a file or folder/);
    await expect(putSource(createMemoryStore(), device)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'zero is a device, not a file or folder',
    });
  });
});
