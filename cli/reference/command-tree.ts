// The commands and flags as plain data, read off the program: what completion scripts and docs/cli.md are made from.

import type { Command } from 'commander';

import { wordsOfFlag } from '../flags/flag-facts.ts';
import { findFlag } from '../flags/find-flag.ts';

/** What can stand after a flag. */
export type ValueKind = 'none' | 'file' | 'folder' | 'text' | readonly string[];

export interface FlagNode {
  /** With dashes. */
  readonly name: string;
  readonly doc: string;
  readonly value: ValueKind;
}

export interface CommandNode {
  /** Below `bivdiff`: `store gc`; empty for the program itself. */
  readonly path: string;
  readonly doc: string;
  readonly flags: readonly FlagNode[];
  readonly subcommands: readonly string[];
  /** What a word that is no flag may be. */
  readonly operand: ValueKind;
}

/** Every command, the program first. */
export function completionTree(program: Command): readonly CommandNode[] {
  return nodesOf(program, '');
}

function nodesOf(command: Command, path: string): CommandNode[] {
  const help: FlagNode = { name: '--help', doc: 'Show help', value: 'none' };
  const flags = command.options.map((option): FlagNode => {
    const name = option.long ?? option.short ?? '';
    const value = option.required || option.optional ? valueKind(name) : 'none';
    return { name, doc: shortDoc(option.description), value };
  });
  const own: CommandNode = {
    path,
    doc: command.summary() || command.description(),
    flags: [...flags, help],
    subcommands: command.commands.map((sub) => sub.name()),
    operand: operandOf(command),
  };
  const below = command.commands.flatMap((sub) => nodesOf(sub, `${path} ${sub.name()}`.trim()));
  return [own, ...below];
}

function valueKind(name: string): ValueKind {
  const flag = findFlag(name.replace(/^--/, ''));
  if (name === '--batch') return 'file';
  if (name === '--store' || name === '--models') return 'folder';
  if (flag === undefined) return 'text';
  const words = wordsOfFlag(flag);
  if (words.length > 0) return words;
  return ['path', 'file', 'listing'].includes(flag.kind) ? 'file' : 'text';
}

function operandOf(command: Command): ValueKind {
  const [argument] = command.registeredArguments;
  if (argument === undefined) return 'none';
  if (argument.argChoices !== undefined) return argument.argChoices;
  return argument.name() === 'dir' ? 'folder' : 'file';
}

/** Without the ranges and defaults in brackets at its end. */
function shortDoc(doc: string): string {
  return doc.replace(/ \([^()]*(\([^()]*\)[^()]*)*\)$/, '');
}
