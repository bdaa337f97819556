// kubectl, as a user has it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { findProgram } from './find-program.ts';

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Fails by its code, not by a throw. */
export async function kubectlOf(
  { kubeconfig }: { readonly kubeconfig: string },
  words: readonly string[],
  input = '',
): Promise<Said> {
  const child = spawn(await findProgram('kubectl'), [...words, '--kubeconfig', kubeconfig]);
  child.stdin.end(input);
  const [out, err] = await Promise.all([
    ...[text(child.stdout), text(child.stderr)],
    child.exitCode ?? once(child, 'exit'),
  ]);
  return { code: child.exitCode, out: String(out), err: String(err) };
}
