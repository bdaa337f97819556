// Goal: a render tells nobody but its user what it runs, and leaves nothing of a library's in the user's folders. Method: the real program
// with a home and a place for temporary files of its own; ONNX Runtime, which would write of it there before it sends anything.

import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';

import { expect, it } from 'vitest';

import { endOfCli } from '../../support/cli-process.ts';
import { MAIN, createWorkplace, tinyFlags } from './workplace.ts';

it('leaves files of its own only, after a render and after a look at the machine', async () => {
  await using place = await createWorkplace();
  for (const name of ['home', 'tmp']) await mkdir(place.path(name));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...{ HOME: place.path('home'), TMPDIR: place.path('tmp'), BIVDIFF_STORE: place.path('store') },
  };
  // Where these are set the library keeps quiet anyway.
  for (const name of ['CI', 'XDG_CACHE_HOME', 'ORT_DISABLE_TELEMETRY', 'GITHUB_ACTIONS']) {
    Reflect.deleteProperty(env, name);
  }
  const output = place.path('out', 'clip.mp4');
  for (const words of [['render', '--quiet', ...tinyFlags(place, { output })], ['doctor']]) {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const run = await endOfCli(
      spawn(process.execPath, [MAIN, ...words], { stdio: [...stdio], env }),
    );
    expect(run.code, run.stderr).toBe(0);
  }
  expect(await readdir(place.path('tmp'))).toEqual([]);
  const home = await readdir(place.path('home'), { recursive: true });
  expect(home.filter((name) => !/^\.cache($|\/bivdiff)/.test(name))).toEqual([]);
});
