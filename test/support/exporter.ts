// Runs Python of models/ as users do. Needs a Python with models/requirements.txt: $BIVDIFF_PYTHON, else python3.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const PYTHON = process.env['BIVDIFF_PYTHON'] ?? 'python3';
const options = { cwd: join(import.meta.dirname, '../../models') };

interface Ended {
  readonly code: number;
  readonly stderr: string;
}

/** Throws, with what to do, if that Python lacks what the exporter needs. */
export async function needPython(): Promise<void> {
  await promisify(execFile)(PYTHON, ['-c', 'import torch, diffusers, onnxruntime']).catch(() => {
    throw new Error(
      `${PYTHON} has no torch, diffusers and onnxruntime: pip install -r models/requirements.txt, or name another by BIVDIFF_PYTHON`,
    );
  });
}

/** What `python WORDS` prints, in models/; throws if it fails. */
export async function python(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(PYTHON, words, options);
  return stdout;
}

/** What `python -m export WORDS` prints; throws if it fails. */
export async function exporter(...words: readonly string[]): Promise<string> {
  return python('-m', 'export', ...words);
}

/** What the last line of an export, or of a check, says of memory. */
export interface Peak {
  readonly bytes: number;
  /** Of the largest model in float32. */
  readonly share: number;
}

/** That of all that an exporter has printed; throws if it says nothing of memory. */
export function peakIn(printed: string): Peak {
  const [line = ''] = printed.trim().split('\n').slice(-1);
  const said = /peak memory (\d+) MiB, ([\d.]+) of the largest model in float32$/.exec(line);
  if (said === null) throw new Error(`says nothing of memory: ${line}`);
  return { bytes: Number(said[1]) * 2 ** 20, share: Number(said[2]) };
}

/** A row of `python -m export check`. */
export interface CheckedGraph {
  /** Its path in the set. */
  readonly graph: string;
  readonly form: string;
  /** The greatest difference to torch, as a share of the greatest value. */
  readonly share: number;
}

/** The table of `python -m export check SET`; throws if it ends with an error. */
export async function checkedGraphs(set: string): Promise<readonly CheckedGraph[]> {
  const [, ...lines] = (await exporter('check', set)).trim().split('\n');
  // The last line tells how much memory it took.
  const rows = lines.slice(0, -1);
  return rows.map((row) => {
    const [graph = '', form = '', worst, largest] = row.split(/ +/);
    return { graph, form, share: Number(worst) / Number(largest) };
  });
}

/** How `python -m export WORDS`, which fails, ends. */
export async function refusal(...words: readonly string[]): Promise<Ended> {
  const ended: unknown = await exporter(...words).catch((reason: unknown) => reason);
  return ended as Ended;
}

/** `python -m export WORDS`, begun. */
export function startExporter(...words: readonly string[]): ChildProcess {
  return spawn(PYTHON, ['-m', 'export', ...words], { ...options, stdio: 'ignore' });
}
