// `npm run build`: the program as plain JavaScript in dist/, for images: no types are stripped when it starts, and it needs no more than
// the packages of `dependencies`. With what it reads beside its code: the protos, the models that ship, its version.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { NODE_ENVIRONMENT, NODE_FLAGS } from '../common/node-flags.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

for (const file of ['LICENSE', 'proto/bivdiff', 'models/demo', 'cli/report/page', 'examples'])
  cpSync(join(root, file), join(dist, file), { recursive: true });
const { name, version, license, type, engines } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
) as Readonly<Record<string, unknown>>;
const own = { name, version, license, type, engines, private: true };
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`);

mkdirSync(join(dist, 'bin'));
const environment = Object.entries(NODE_ENVIRONMENT).map((entry) => entry.join('='));
// As an image has it on its PATH: the packages are beside dist/, or above it.
writeFileSync(
  join(dist, 'bin/bivdiff'),
  `#!/usr/bin/env -S ${environment.join(' ')} node ${NODE_FLAGS.join(' ')}\nimport "../cli/main.js";\n`,
  {
    mode: 0o755,
  },
);
