// Goal: a checkout's `bin/bivdiff` runs the program as everything else does.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { NODE_ENVIRONMENT, NODE_FLAGS } from '../../../common/node-flags.ts';

it('are those that the script of a checkout gives', async () => {
  const script = await readFile(join(import.meta.dirname, '../../../scripts/with-node.sh'), 'utf8');
  for (const flag of NODE_FLAGS) expect(script).toContain(flag);
  for (const [name, value] of Object.entries(NODE_ENVIRONMENT))
    expect(script).toContain(`export ${name}="\${${name}-${value}}"`);
});
