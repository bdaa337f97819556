// How a command runs, apart from what it renders; and its flags as one layer of settings.

import { memoryBytesOf } from '../flags/memory-flag.ts';
import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { camelCase } from '../flags/find-flag.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { storeFolderOf } from '../flags/store-flag.ts';
import type { FarmOptions } from '../farm.ts';
import type { CliEnvironment } from '../terminal.ts';
import { lookedAt } from './request-problems.ts';
import type { RequestProblem } from './request-problems.ts';
import { specLayer } from './spec-layer.ts';
import type { Fields, SpecLayer } from './spec-layer.ts';

/** How a command runs, apart from what it renders. */
export interface RunOptions {
  readonly farm: FarmOptions;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly overwrite: boolean;
}

const SLOTS_MAX = 256;
const THREADS_MAX = 256;
const SLOTS_DEFAULT = 1;

/** The flags as one layer of settings; `--slots` and its like are not part of it, their problems are. */
export function layerOfFlags(
  typed: TypedFlags,
  environment: Pick<CliEnvironment, 'folder'>,
): SpecLayer {
  const settings: Fields = {};
  for (const flag of RENDER_FLAGS) {
    const value = typed[camelCase(flag.name)];
    const isSetting =
      flag.field !== undefined ||
      flag.name === 'preset' ||
      (flag.kind === 'file' && flag.name !== 'store');
    if (isSetting && value !== undefined) settings[flag.name] = value;
  }
  const layer = specLayer(settings, { folder: environment.folder, spelling: 'typed' });
  const problems = [...encodingProblems(settings), ...layer.problems, ...runProblems(typed)];
  return { ...layer, problems };
}

/** The rest of the flags. Call it once the layer's problems are known to be none. @throws as `storeFolderOf` */
export function runOptions(typed: TypedFlags, environment: CliEnvironment): RunOptions {
  return optionsIn(typed, { environment, storeFolder: storeFolderOf(typed, environment) });
}

/** The same beside problems, of which it adds those with the store. What is wrong is another value then. */
export async function draftRunOptions(
  typed: TypedFlags,
  environment: CliEnvironment,
  problems: RequestProblem[],
): Promise<RunOptions> {
  const isNamed = typed['store'] !== '';
  const place = await lookedAt(() => (isNamed ? storeFolderOf(typed, environment) : ''), problems);
  return optionsIn(typed, { environment, storeFolder: place ?? '' });
}

function optionsIn(
  typed: TypedFlags,
  {
    storeFolder,
    environment,
  }: { readonly storeFolder: string; readonly environment: CliEnvironment },
): RunOptions {
  const threads = typed['threads'];
  const memoryBytes = memoryBytesOf(typed[camelCase('memory-gib')] as string | undefined, []);
  return {
    farm: {
      storeFolder,
      modelsFolder: environment.modelsFolder,
      slots: typed['slots'] === undefined ? SLOTS_DEFAULT : Number(typed['slots']),
      ...(threads === undefined ? {} : { threadsPerSlot: Number(threads) }),
      ...(typed['device'] === undefined ? {} : { device: String(typed['device']) }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    },
    json: typed['json'] === true,
    quiet: typed['quiet'] === true,
    overwrite: typed['overwrite'] === true,
  };
}

/** Node puts this character in the place of bytes that are no UTF-8. */
const REPLACEMENT = '\uFFFD';

function encodingProblems(settings: Fields): string[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    [value]
      .flat()
      .flatMap((text) =>
        typeof text === 'string' && text.includes(REPLACEMENT)
          ? [`--${name}: what was typed is not UTF-8: ${text}; a spec file in UTF-8 can say it`]
          : [],
      ),
  );
}

function runProblems(typed: TypedFlags): string[] {
  const problems: string[] = [];
  for (const [name, max] of [
    ['slots', SLOTS_MAX],
    ['threads', THREADS_MAX],
  ] as const) {
    const text = typed[name];
    if (text === undefined) continue;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > max) {
      problems.push(`--${name}: expected a whole number, 1 to ${max}, got "${String(text)}"`);
    }
  }
  memoryBytesOf(typed[camelCase('memory-gib')] as string | undefined, problems);
  if (typed['store'] === '')
    problems.push('--store: expected a folder or s3://BUCKET/PREFIX, got ""');
  return problems;
}
