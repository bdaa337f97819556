// Ends this process now, with an exit code, whatever its threads are at.

import { existsSync } from 'node:fs';

const SHELL = '/bin/sh';

/**
 * Ends the process without waiting for anything.
 *
 * process.exit() and process.reallyExit() stop the worker threads first: one that is inside ONNX Runtime then throws, as it cannot hand its
 * result to a thread that is gone, and the process aborts (exit code 134, "terminate called after throwing an instance of 'Napi::Error'").
 * A signal to itself would show as that signal, not as the exit code, and does nothing to the first process of a container. So the process
 * becomes another program, which the kernel does without asking threads or destructors; all that this one does is exit.
 */
export function endAtOnce(exitCode: number): never {
  // Where there is none (Windows), nothing better is known.
  if (typeof process.execve !== 'function') return process.exit(exitCode);
  // It aborts if there is no such program: images without a shell exist.
  return existsSync(SHELL)
    ? process.execve(SHELL, ['sh', '-c', `trap '' INT TERM; exit ${exitCode}`], {})
    : process.execve(process.execPath, ['node', '-e', `process.exit(${exitCode})`], {});
}
