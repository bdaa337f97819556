// The flags that render, plan, sweep and submit share, attached to a command, in groups.

import { Option } from 'commander';
import type { Command } from 'commander';

import { defaultOfFlag, rangeOfFlag } from './flag-facts.ts';
import { RENDER_FLAGS } from './flag-table.ts';
import type { Flag } from './flag-table.ts';

/** What commander gives: flags by camel-case name, values as typed. */
export type TypedFlags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface RenderFlagChoice {
  /** Names of flags that this command has not. */
  readonly without?: readonly string[];
  /** Only these, under no headings of their own. */
  readonly only?: readonly string[];
  /** Its own words for a flag. */
  readonly docs?: Readonly<Record<string, string>>;
  /** Its own names for their values. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Adds the shared flags to a command, in groups. */
export function addRenderFlags(command: Command, choice: RenderFlagChoice = {}): Command {
  for (const flag of RENDER_FLAGS) {
    if (choice.without?.includes(flag.name) === true) continue;
    if (choice.only?.includes(flag.name) === false) continue;
    const value = choice.values?.[flag.name] ?? flag.value;
    const doc = choice.docs?.[flag.name] ?? describeFlag(flag);
    const option = optionOfFlag({ ...flag, ...(value === undefined ? {} : { value }) }, doc);
    command.addOption(choice.only === undefined ? option.helpGroup(`${flag.group}:`) : option);
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

function optionOfFlag(flag: Flag, description: string): Option {
  const spelled = flag.value === undefined ? `--${flag.name}` : `--${flag.name} <${flag.value}>`;
  const option = new Option(spelled, description);
  if (flag.kind !== 'list') return option;
  return option.argParser((value, before?: readonly string[]) => [...(before ?? []), value]);
}
