// What the lint rule sees: files that need each other, also if only for their types.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { noImportCycle } from '../../../scripts/lint/no-import-cycle.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-cycle-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What is told of `a.ts` beside files of these texts. */
async function told(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const linter = new Linter({ cwd: folder });
  const config: Linter.Config = {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    plugins: { bivdiff: { rules: { 'no-import-cycle': noImportCycle } } },
    rules: { 'bivdiff/no-import-cycle': 'error' },
  };
  const messages = linter.verify(files['a.ts']!, config, join(folder, 'a.ts'));
  return messages.map(({ message }) => message);
}

describe('no-import-cycle', () => {
  it.each([
    ["import type { B } from './b.ts';", "import type { A } from './a.ts';"],
    ["import { b } from './b.ts';", "import {\n  type A,\n} from './a.ts';"],
    ["export type { B } from './b.ts';", "import './a.ts';"],
    ["export * from './b.ts';", "export type { A } from './a.ts';"],
  ])('sees %s', async (a, b) => {
    expect(await told({ 'a.ts': a, 'b.ts': b })).toEqual([
      'This import comes back here: b.ts -> a.ts.',
    ]);
  });

  it('sees the whole way', async () => {
    const files = {
      'a.ts': "import type { B } from './b.ts';\nimport type { C } from './c.ts';",
      'b.ts': "import type { C } from './c.ts';",
      'c.ts': "import 'node:fs';\nimport type { A } from './a.ts';",
    };
    expect(await told(files)).toEqual([
      'This import comes back here: b.ts -> c.ts -> a.ts.',
      'This import comes back here: c.ts -> a.ts.',
    ]);
  });

  it('takes files that share another, and cycles that they are not in', async () => {
    const files = {
      'a.ts': "import type { B } from './b.ts';\nimport type { C } from './c.ts';",
      'b.ts': "import type { C } from './c.ts';",
      'c.ts': "import type { B } from './b.ts';",
    };
    expect(await told(files)).toEqual([]);
  });
});
