// The habit command: everything that CI checks before the tests. Runs all of it, then says what failed, so that one
// run shows every problem.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

const GENERATE = ['generate', 'proto', '--template', 'proto/buf.gen.yaml'];

const steps: readonly (readonly [name: string, run: () => boolean])[] = [
  ['format', () => run(bin('prettier'), ['--check', '--log-level', 'warn', '.'])],
  ['types', () => run(bin('tsc'), ['-p', 'tsconfig.json'])],
  // Scripts of pages run in browsers, which have other globals.
  ['types of pages', () => run(bin('tsc'), ['-p', 'cli/report/page'])],
  ['lint', () => run(bin('eslint'), ['--max-warnings', '0', '.'])],
  ['proto lint', () => run(bin('buf'), ['lint', 'proto'])],
  // The image of the protos that programs out there may speak; CONTRIBUTING says when it is made anew.
  [
    'proto breaking',
    () => run(bin('buf'), ['breaking', 'proto', '--against', 'proto/baseline.binpb']),
  ],
  ['generated code', generatedIsFresh],
  ['unused code', () => run(bin('knip'), ['--no-progress'])],
];

/** The committed generated code is what the proto files give. */
function generatedIsFresh(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'bivdiff-generate-'));
  try {
    if (!run(bin('buf'), [...GENERATE, '--output', folder])) return false;
    const committed = contentsOf(join(root, 'common/gen'));
    const fresh = contentsOf(join(folder, 'common/gen'));
    const stale = [...new Set([...committed.keys(), ...fresh.keys()])].filter(
      (name) => committed.get(name) !== fresh.get(name),
    );
    for (const name of stale) console.error(`common/gen/${name} is stale: npm run generate`);
    return stale.length === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function contentsOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [relative(folder, path), readFileSync(path, 'utf8')];
    }),
  );
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

const failed: string[] = [];
for (const [name, step] of steps) {
  const begun = performance.now();
  const passed = step();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (!passed) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
