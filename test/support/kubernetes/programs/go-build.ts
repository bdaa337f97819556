// Builds a program of somebody's Go module, and finds a module's files. `go install` refuses modules that replace others, as those of Kubernetes
// and etcd do: so a module of our own requires theirs and repeats what they replace.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { WITH_PARENT } from '../plane/with-parent.ts';
import type { GoProgram } from './program-table.ts';

const execute = promisify(execFile);

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

interface Module {
  readonly Path: string;
  readonly Version?: string;
}

/** Of what `go mod edit -json` prints. */
interface GoMod {
  readonly Go?: string;
  readonly Require?: readonly Module[] | null;
  readonly Replace?: readonly { readonly Old: Module; readonly New: Module }[] | null;
  readonly Exclude?: readonly Module[] | null;
}

/** Writes the program to `target`. @param folder - an empty one for what the build needs besides */
export async function buildWithGo(
  source: GoProgram,
  target: string,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { GoMod: theirs } = await downloadModule(source);
  await writeFile(join(folder, 'go.mod'), wrapperOf(source, await readGoMod(theirs)));
  const flags = ['-s', '-w', source.linkerFlags ?? ''].join(' ').trim();
  await go(
    ['build', '-mod=mod', '-trimpath', '-ldflags', flags, '-o', target, source.main],
    folder,
  );
}

/** The files of a module and its go.mod, where Go keeps them. */
export async function downloadModule(source: {
  readonly module: string;
  readonly version: string;
}): Promise<{ readonly Dir: string; readonly GoMod: string }> {
  const text = await go(['mod', 'download', '-json', `${source.module}@v${source.version}`]);
  return JSON.parse(text) as { Dir: string; GoMod: string };
}

async function readGoMod(path: string): Promise<GoMod> {
  return JSON.parse(await go(['mod', 'edit', '-json', path])) as GoMod;
}

function wrapperOf(source: GoProgram, theirs: GoMod): string {
  const { besides } = source;
  const replaced = (theirs.Replace ?? []).flatMap(({ Old, New }) => {
    if (New.Version !== undefined) return [`replace ${textOf(Old)} => ${textOf(New)}`];
    if (besides === undefined) return [];
    const isRequired = theirs.Require?.some(({ Path }) => Path === Old.Path) === true;
    return isRequired
      ? // In a version that does not exist, so it takes both.
        [`require ${Old.Path} ${besides}`, `replace ${Old.Path} => ${Old.Path} ${besides}`]
      : [];
  });
  return [
    'module wrapper',
    `go ${theirs.Go ?? '1.26'}`,
    `require ${source.module} v${source.version}`,
    ...replaced,
    ...(theirs.Exclude ?? []).map((one) => `exclude ${textOf(one)}`),
    '',
  ].join('\n');
}

function textOf({ Path, Version = '' }: Module): string {
  return `${Path} ${Version}`.trim();
}

/** What it prints. */
async function go(args: readonly string[], folder?: string): Promise<string> {
  const [command = '', ...rest] = [...WITH_PARENT, 'go', ...args];
  const { stdout } = await execute(command, rest, {
    env: { ...process.env, CGO_ENABLED: '0' },
    maxBuffer: OUTPUT_BYTES_MAX,
    ...(folder !== undefined && { cwd: folder }),
  });
  return stdout;
}
