// An ESLint rule: no file imports itself by way of others, types included. import-x/no-cycle leaves imports of types out, and has no option for
// them. They run nothing, but two files that need each other's types are one thing in two files, which no reader can begin with.

import { readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

import type { Rule } from 'eslint';

interface Known {
  readonly mtimeMs: number;
  readonly imports: readonly string[];
}

/** Imports and re-exports at the top of a line, whatever they bring; paths have their endings here. */
const STATIC_IMPORT = /^(?:import|export)\s(?:[^'";]*?\sfrom\s)?'(\.[^']*\.ts)'/gm;

const known = new Map<string, Known>();

export const noImportCycle: Rule.RuleModule = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { cycle: 'This import comes back here: {{way}}.' },
  },
  create(context) {
    const file = context.filename;
    const check = (node: Rule.Node & { source?: unknown }): void => {
      const source = node.source as { readonly value?: unknown } | null | undefined;
      if (typeof source?.value !== 'string' || !source.value.startsWith('.')) return;
      const way = wayBack(resolve(dirname(file), source.value), file);
      if (way === undefined) return;
      const names = way.map((path) => relative(context.cwd, path)).join(' -> ');
      context.report({ node, messageId: 'cycle', data: { way: names } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

/** The shortest way from a file to another, both named; undefined if there is none. */
function wayBack(from: string, to: string): readonly string[] | undefined {
  const before = new Map<string, string | undefined>([[from, undefined]]);
  for (const path of before.keys()) {
    if (path === to) {
      const way = [];
      for (let at: string | undefined = path; at !== undefined; at = before.get(at))
        way.unshift(at);
      return way;
    }
    for (const next of importsOf(path)) if (!before.has(next)) before.set(next, path);
  }
  return undefined;
}

function importsOf(path: string): readonly string[] {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (mtimeMs === undefined) return [];
  const seen = known.get(path);
  if (seen?.mtimeMs === mtimeMs) return seen.imports;
  const found = [...readFileSync(path, 'utf8').matchAll(STATIC_IMPORT)];
  const imports = found.map(([, place = '']) => resolve(dirname(path), place));
  known.set(path, { mtimeMs, imports });
  return imports;
}
