// Goal: who has Python and no checkout exports models with the installed command, and gets what the checkout gives. Method: pip installs models/ into a folder;
// the command is run from another one. Needs what export-road.test.ts needs, and pip with a package registry.

import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { exporter, needPython, PYTHON, python } from '../support/exporter.ts';

let folder: string;
let packages: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-export-installed-'));
  packages = join(folder, 'packages');
  await needPython();
  // Building leaves files beside what is built.
  const source = join(folder, 'models');
  await promisify(execFile)('git', [
    ...['clone', '--quiet', '--depth', '1', `file://${join(import.meta.dirname, '../..')}`],
    join(folder, 'clone'),
  ]);
  await promisify(execFile)('mv', [join(folder, 'clone/models'), source]);
  await python('-m', 'pip', 'install', '--quiet', '--no-deps', '--target', packages, source);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function installed(...words: readonly string[]): Promise<string> {
  const command = [join(packages, 'bin/bivdiff-export'), ...words];
  const env = { ...process.env, PYTHONPATH: packages };
  const { stdout } = await promisify(execFile)(PYTHON, command, { cwd: folder, env });
  return stdout;
}

async function filesOf(set: string): Promise<Readonly<Record<string, Buffer>>> {
  const paths = globSync('**/*.{onnx,json,safetensors}', { cwd: set }).sort();
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(set, path))] as const)),
  );
}

it('says how it is called', async () => {
  expect(await installed('--help')).toMatch(/^usage: bivdiff-export /);
});

it('exports what `python -m export` does, and checks it', async () => {
  const parts = join(folder, 'parts');
  await installed('rehearse', parts);
  const flags = (out: string): string[] => [
    ...['models', '--name', 'mine', '--license', 'none', '--out', join(folder, out)],
    ...[
      '--image',
      join(parts, 'image'),
      '--controlnet',
      `canny=${join(parts, 'controlnet-canny')}`,
    ],
    ...['--video', `zeroscope=${join(parts, 'video')}`],
  ];
  await installed(...flags('installed'));
  await exporter(...flags('checkout'));
  const made = await filesOf(join(folder, 'installed'));
  expect(Object.keys(made)).toContain('image/unet_controlnet-canny.onnx');
  expect(made).toEqual(await filesOf(join(folder, 'checkout')));
  expect(await installed('check', join(folder, 'installed'))).toContain('float32');
});
