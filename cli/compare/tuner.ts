// The Python that tunes a model on a clip, models/export/tune_a_video.py, as a process. Knows nothing of specs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { BivdiffError } from '../../common/errors.ts';

export interface Tuner {
  /** The interpreter: a name on PATH, or an absolute path. */
  readonly python: string;
  /** Who named it: a flag or a variable. */
  readonly calledAs: string;
  /** Where Python's part of the project is, as well as the models that ship. */
  readonly modelsFolder: string;
}

interface TunerRun {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Takes each line that it prints. */
  readonly onLine?: (line: string) => void;
}

/** The end of what it says, of which the last line counts. */
const TOLD_MAX = 10_000;

const USAGE = 'usage: python -m export.tune_a_video';

const HINT =
  'It takes a checkout of the project, and in it: python3 -m venv .venv, then .venv/bin/pip install -r models/requirements.txt, then --python .venv/bin/python';

/** @throws failed-precondition — this Python cannot be started, or lacks what tuning needs */
export async function checkTuner(tuner: Tuner, signal: AbortSignal): Promise<void> {
  const told: string[] = [];
  // Its help tells that all it imports is there.
  const why = await ended(tuner, ['--help'], {
    signal,
    onLine: (line) => told.push(line),
  });
  if (why === undefined && told[0]?.startsWith(USAGE) === true) return;
  throw new BivdiffError(
    'failed-precondition',
    `${tuner.calledAs}: ${tuner.python} cannot tune: ${why ?? 'it is no Python'}`,
    { hint: HINT },
  );
}

/** @throws failed-precondition — says why it failed @throws cancelled */
export async function runTuner(
  tuner: Tuner,
  words: readonly string[],
  run: TunerRun,
): Promise<void> {
  const why = await ended(tuner, words, run);
  if (why === undefined) return;
  throw new BivdiffError('failed-precondition', `Tune-A-Video: ${tuner.python} failed: ${why}`, {
    hint: 'The same command by itself is in models/README.md. Without --python and BIVDIFF_PYTHON the other methods are compared.',
  });
}

/** Why it failed, in a line; undefined if it did not. It is gone by then. */
async function ended(
  { python, modelsFolder }: Tuner,
  words: readonly string[],
  { signal, onLine }: TunerRun,
): Promise<string | undefined> {
  signal.throwIfAborted();
  const child = spawn(python, ['-m', 'export.tune_a_video', ...words], {
    cwd: modelsFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told = (told + chunk.toString()).slice(-TOLD_MAX)));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => onLine?.(line));
  const stop = (): void => void child.kill();
  signal.addEventListener('abort', stop);
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    // In a terminal Ctrl-C is told to both at once, and who hears it first is chance.
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    return code === 0 ? undefined : (lastLine(told) ?? `it ended with ${killedBy ?? code}`);
  } catch (reason) {
    signal.throwIfAborted();
    const { code } = reason as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'there is no such program' : BivdiffError.from(reason).message;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Of what Python says at the end of a traceback or instead of one. */
function lastLine(text: string): string | undefined {
  return text
    .split(/[\r\n]+/)
    .findLast((line) => line.trim() !== '')
    ?.trim();
}
