// What can be known of the images without building them. That they build was tried step by step: images/README.md.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { cacheHome } from '../../../common/cache-home.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const dockerfile = read('images/Dockerfile');

/** On the PATH, or beside the servers that tests have built. */
function findHadolint(): string | undefined {
  const bin = join(cacheHome(), 'bin');
  const built = existsSync(bin) ? readdirSync(bin) : [];
  const names = built.filter((name) => name.startsWith('hadolint')).map((name) => join(bin, name));
  return ['hadolint', ...names].find((one) => spawnSync(one, ['--version']).status === 0);
}
const hadolint = findHadolint();

describe('the Dockerfile', () => {
  it.skipIf(hadolint === undefined)('is as hadolint wants it', () => {
    const { stdout } = spawnSync(hadolint!, ['--no-color', join(root, 'images/Dockerfile')]);
    expect(stdout.toString()).toBe('');
  });

  it('has a target for each image, all of them without root', () => {
    const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)];
    const from = new Map(stages.map(([, base = '', name = '']) => [name, base]));
    for (const image of ['coordinator', 'worker', 'worker-cuda']) {
      let base = image;
      while (base !== 'program') base = from.get(base) ?? expect.fail(`${image} is not of program`);
    }
    expect(dockerfile.split('\nUSER ').slice(1)).toHaveLength(1);
    expect(dockerfile).toContain('\nUSER 65532:65532\n');
  });

  it('copies what is there, and what .dockerignore lets through', () => {
    const letThrough = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)]
      .flatMap(([, sources = '']) => sources.split(' '))
      .filter((source) => source !== '.');
    expect(copied.length).toBeGreaterThan(4);
    for (const path of [...copied, ...letThrough.map((line) => line.slice(1))])
      expect(existsSync(join(root, path)), path).toBe(true);
    for (const path of copied)
      expect(
        letThrough.some((line) => path === line.slice(1) || path.startsWith(`${line.slice(1)}/`)),
        path,
      ).toBe(true);
  });

  it('is of the Node that this is tested with, its version pinned', () => {
    const [, major] = /^ARG NODE_IMAGE=node:(\d+)\.\d+\.\d+-/m.exec(dockerfile) ?? [];
    expect(major).toBe(process.versions.node.split('.')[0]);
  });
});

describe('the CUDA image', () => {
  it('has the provider of the very version of ONNX Runtime, and every version pinned', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { version: string }>;
    };
    const lines = read('images/cuda-requirements.txt').split('\n');
    const pinned = lines.filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of pinned) expect(line).toMatch(/^[a-z0-9-]+==[\d.]+$/);
    const { version } = packages['node_modules/onnxruntime-node']!;
    expect(pinned).toContain(`onnxruntime-gpu==${version}`);
  });
});

describe('trim-packages.sh', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const libraries = 'node_modules/onnxruntime-node/bin/napi-v6';
  const here = `${process.platform}/${process.arch}`;
  function tree(...files: string[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'bivdiff-trim-'));
    folders.push(folder);
    for (const file of files) {
      mkdirSync(join(folder, file, '..'), { recursive: true });
      writeFileSync(join(folder, file), '');
    }
    return folder;
  }
  const trim = (folder: string, program: string) => {
    const script = join(root, 'images/trim-packages.sh');
    const { status, stderr } = spawnSync('sh', [script, program], { cwd: folder });
    return { status, said: stderr.toString() };
  };
  const files = [
    `${libraries}/${here}/a.node`,
    `${libraries}/other/x64/a.node`,
    'node_modules/@kubernetes/client-node/index.js',
    'node_modules/one/index.js',
    'node_modules/one/index.d.ts',
    'node_modules/one/index.js.map',
  ];
  const left = (folder: string): string[] => files.filter((file) => existsSync(join(folder, file)));

  it("leaves a worker its own system's libraries, and no client of Kubernetes", () => {
    const folder = tree(...files);
    expect(trim(folder, 'worker')).toMatchObject({ status: 0 });
    expect(left(folder)).toEqual([files[0], files[3]]);
  });

  it('leaves a coordinator no ONNX Runtime, but the client of Kubernetes', () => {
    const folder = tree(...files);
    expect(trim(folder, 'coordinator')).toMatchObject({ status: 0 });
    expect(left(folder)).toEqual([files[2], files[3]]);
  });

  it('fails where packages are not what it knows, or for another program', () => {
    const other = trim(tree('node_modules/one/index.js'), 'worker');
    expect(other).toMatchObject({ status: 1, said: expect.stringContaining('is not there') });
    expect(trim(tree(...files), 'client')).toMatchObject({ status: 1 });
  });
});
