// Goal: the program as images have it, plain JavaScript in dist/, does what the sources do. Method: `npm run build`, then its own `bivdiff`
// on the models that were copied beside it; the bytes must be those of the sources.

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { expect, inject, it, onTestFinished } from 'vitest';

import type {} from '../../support/farm/small-reference.ts';
import { SMALL_JOB, sha256Of } from '../../support/reference.ts';

const root = join(import.meta.dirname, '../../..');

it('is built, says its version, and renders the same bytes', async () => {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.ts')]);
  expect(built.status, `${built.stdout.toString()}${built.stderr.toString()}`).toBe(0);
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-built-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const bivdiff = (...args: string[]) =>
    spawnSync(join(root, 'dist/bin/bivdiff'), args, {
      cwd: folder,
      // Where types would have to be stripped, it fails.
      env: { ...process.env, PATH: path, NODE_OPTIONS: '--no-experimental-strip-types' },
    });
  const version = bivdiff('--version');
  expect(version.stdout.toString(), version.stderr.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  const output = join(folder, 'clip.mp4');
  const render = bivdiff('render', ...SMALL_JOB, '--output', output, '--quiet');
  expect(render.status, render.stderr.toString()).toBe(0);
  expect(await sha256Of(output)).toBe(inject('smallReference'));
});
