// The flags of render, plan and sweep, attached to a command and read back: the settings as a layer, and how to run.

import { Option } from 'commander';
import type { Command } from 'commander';

import { BivdiffError } from '../common/errors.ts';
import { resolveStorePlace } from '../common/store/open-store.ts';
import type { FarmOptions } from './farm.ts';
import { RENDER_FLAGS } from './flag-table.ts';
import { camelCase } from './flags.ts';
import type { Flag } from './flag-table.ts';
import { defaultOfFlag, rangeOfFlag } from './flag-facts.ts';
import { specLayer } from './spec-layer.ts';
import type { Fields, SpecLayer } from './spec-layer.ts';
import type { CliEnvironment } from './terminal.ts';

/** What commander gives: flags by camel-case name, values as typed. */
export type TypedFlags = Readonly<Record<string, string | boolean | undefined>>;

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

export interface RenderFlagChoice {
  /** Names of flags that this command has not. */
  readonly without?: readonly string[];
  /** Its own words for a flag. */
  readonly docs?: Readonly<Record<string, string>>;
}

/** Adds the shared flags to a command, in groups. */
export function addRenderFlags(command: Command, choice: RenderFlagChoice = {}): Command {
  for (const flag of RENDER_FLAGS) {
    if (choice.without?.includes(flag.name) === true) continue;
    command.addOption(optionOfFlag(flag, choice.docs?.[flag.name] ?? describeFlag(flag)));
  }
  return command;
}

/** `Frames to render (1 to 1000000; default: 8)`. */
export function describeFlag(flag: Flag): string {
  const fallback = defaultOfFlag(flag);
  const facts = [rangeOfFlag(flag), fallback === undefined ? undefined : `default: ${fallback}`];
  const known = facts.filter((fact) => fact !== undefined);
  return known.length === 0 ? flag.doc : `${flag.doc} (${known.join('; ')})`;
}

/** The flags as one layer of settings; `--slots` and its like are not part of it, their problems are. */
export function layerOfFlags(
  typed: TypedFlags,
  environment: Pick<CliEnvironment, 'folder'>,
): SpecLayer {
  const settings: Fields = {};
  for (const flag of RENDER_FLAGS) {
    const value = typed[camelCase(flag.name)];
    const isSetting = flag.field !== undefined || (flag.kind === 'file' && flag.name !== 'store');
    if (isSetting && value !== undefined) settings[flag.name] = value;
  }
  const layer = specLayer(settings, { folder: environment.folder, spelling: 'typed' });
  return { ...layer, problems: [...layer.problems, ...runProblems(typed)] };
}

/** The rest of the flags. Call it once the layer's problems are known to be none. */
export function runOptions(typed: TypedFlags, environment: CliEnvironment): RunOptions {
  const threads = typed['threads'];
  return {
    farm: {
      storeFolder: storeFolderOf(typed, environment),
      modelsFolder: environment.modelsFolder,
      slots: typed['slots'] === undefined ? SLOTS_DEFAULT : Number(typed['slots']),
      ...(threads === undefined ? {} : { threadsPerSlot: Number(threads) }),
    },
    json: typed['json'] === true,
    quiet: typed['quiet'] === true,
    overwrite: typed['overwrite'] === true,
  };
}

/** Whether it names the store of a farm by its coordinator: what only workers can use. */
export function isRemoteStore(store: string): boolean {
  return /^grpcs?:\/\//.test(store);
}

/** The same flag for every command that has a store and is not a render's. */
export function addStoreFlag(command: Command, places = 'a folder or s3://BUCKET/PREFIX'): Command {
  return command.option(
    '--store <PLACE>',
    `The store: ${places} (default: $BIVDIFF_STORE, else .bivdiff/store here)`,
  );
}

/**
 * `--store`, else $BIVDIFF_STORE, else .bivdiff/store here: an absolute folder, or a URL as it is.
 * @throws invalid-argument — a malformed URL, or a coordinator's
 */
export function storeFolderOf(typed: TypedFlags, environment: CliEnvironment): string {
  const given = typed['store'];
  const chosen = typeof given === 'string' ? given : environment.storeFolder;
  if (chosen !== undefined && isRemoteStore(chosen)) {
    throw new BivdiffError('invalid-argument', `--store: ${chosen} is for bivdiff worker only`, {
      hint: 'Name a folder, or s3://BUCKET/PREFIX.',
    });
  }
  return resolveStorePlace(environment.folder, chosen ?? '.bivdiff/store');
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
      problems.push(`--${name}: expected a whole number, 1 to ${max}, got "${text}"`);
    }
  }
  if (typed['store'] === '')
    problems.push('--store: expected a folder or s3://BUCKET/PREFIX, got ""');
  return problems;
}

function optionOfFlag(flag: Flag, description: string): Option {
  const spelled = flag.value === undefined ? `--${flag.name}` : `--${flag.name} <${flag.value}>`;
  return new Option(spelled, description).helpGroup(`${flag.group}:`);
}
