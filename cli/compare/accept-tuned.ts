// Whether Tune-A-Video is among the methods that are compared, and then its render of each spec: on a model that was tuned before.

import { isAbsolute, resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { Accepted, Farm } from '../farm.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { CliEnvironment } from '../terminal.ts';
import { readSourceText } from './source-text.ts';
import { checkTuner } from './tuner.ts';
import type { Tuner } from './tuner.ts';
import { tunedSet, tunedSpec } from './tuned-set.ts';

/** That of `python -m export.tune_a_video`. */
const STEPS_DEFAULT = 400;
const STEPS_MAX = 100_000;

export interface TuneOptions {
  /** Undefined: nobody named a Python. */
  readonly tuner: Tuner | undefined;
  readonly steps: number;
}

/** What `--python`, $BIVDIFF_PYTHON and `--tune-steps` say. @throws invalid-argument */
export function tuneOptions(
  typed: TypedFlags,
  { folder, python, modelsFolder }: Pick<CliEnvironment, 'folder' | 'python' | 'modelsFolder'>,
): TuneOptions {
  const given = typed['python'];
  const word = typeof given === 'string' ? given : python;
  const calledAs = typeof given === 'string' ? '--python' : 'BIVDIFF_PYTHON';
  const asked = typed['tuneSteps'];
  const steps = asked === undefined ? STEPS_DEFAULT : Number(asked);
  const problems: string[] = [];
  if (word === '') problems.push(`${calledAs}: expected a program, got ""`);
  if (!Number.isInteger(steps) || steps < 1 || steps > STEPS_MAX) {
    problems.push(
      `--tune-steps: expected a whole number, 1 to ${STEPS_MAX}, got "${String(asked)}"`,
    );
  }
  if (asked !== undefined && word === undefined) {
    problems.push('--tune-steps: is for Tune-A-Video, which needs --python');
  }
  if (problems.length > 0) {
    throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
  }
  if (word === undefined) return { tuner: undefined, steps };
  // Without a slash it is looked up on PATH.
  const isPath = word.includes('/') && !isAbsolute(word);
  return {
    tuner: { python: isPath ? resolve(folder, word) : word, calledAs, modelsFolder },
    steps,
  };
}

/** A spec, by its name, as it was accepted for a method that renders with its own models. */
export interface PlainSpec {
  readonly name: string;
  readonly accepted: Accepted;
}

/** One for each spec, or why the method is left out. */
export type TunedSpecs = { readonly accepted: readonly Accepted[] } | { readonly why: string };

/**
 * Tunes on what was not tuned on before. All that it takes is looked at first.
 * @throws not-found, invalid-argument, failed-precondition — a Python that was typed cannot be used, or a source has no text; or tuning fails
 */
export async function acceptTuned(
  farm: Farm,
  specs: readonly PlainSpec[],
  options: TuneOptions & { readonly signal: AbortSignal; readonly onNote: (text: string) => void },
): Promise<TunedSpecs> {
  const { tuner, steps, signal, onNote } = options;
  if (tuner === undefined) {
    return { why: 'it tunes a model on each clip first; --python names a Python that can' };
  }
  const texts: string[] = [];
  try {
    texts.push(...(await textsOf(specs)));
    await checkTuner(tuner, signal);
  } catch (reason) {
    const { code, message } = BivdiffError.from(reason);
    // A variable may be there for the sake of other programs.
    if (tuner.calledAs === '--python' || code === 'cancelled') throw reason;
    return { why: message };
  }
  const accepted: Accepted[] = [];
  for (const [index, spec] of specs.entries()) {
    const told = `${spec.name}: Tune-A-Video`;
    const text = texts[index]!;
    const set = await tunedSet(spec.accepted, text, {
      ...{ tuner, steps, signal },
      onStart: () => onNote(`${told}, tuned on the source as “${text}”`),
      onLine: (line) => onNote(`${told}, ${line}`),
    });
    accepted.push(await farm.accept(tunedSpec(spec.accepted.spec, set), { signal }));
  }
  return { accepted };
}

/** What each source shows. @throws invalid-argument — lists all that is wrong with them */
async function textsOf(specs: readonly PlainSpec[]): Promise<readonly string[]> {
  const problems = new Set<string>();
  const texts: string[] = [];
  for (const { accepted } of specs) {
    try {
      texts.push(await readSourceText(accepted.spec.input.path, accepted.job.source.kind));
    } catch (reason) {
      problems.add(BivdiffError.from(reason).message);
    }
  }
  if (problems.size === 0) return texts;
  throw new BivdiffError('invalid-argument', [...problems].join('; '), {
    hint: 'Tune-A-Video is tuned on a clip and on what it shows: write that into the file, as a prompt, or leave --python out.',
    details: { problems: [...problems] },
  });
}
