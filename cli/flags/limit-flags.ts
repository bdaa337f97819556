// The coordinator's limits as people set them: `--limit NAME=VALUE`, or a settings file; the flags go before the file, the file
// before the defaults.

import { parse } from 'yaml';
import { z } from 'zod';

import { BivdiffError } from '../../common/errors.ts';
import { readTextFile } from '../../common/files/text-file.ts';
import { DEFAULT_LIMITS } from '../../common/rpc/farm-limits.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';

type Name = keyof FarmLimits;

const NAMES = Object.keys(DEFAULT_LIMITS) as readonly Name[];
/** Of the help: with the defaults. */
export const LIMITS_TEXT = NAMES.map((name) => `${name}=${DEFAULT_LIMITS[name]}`).join(', ');

const value = z.int().positive().optional();
const SETTINGS = z.strictObject({
  limits: z
    .strictObject({
      specBytes: value,
      frames: value,
      pixels: value,
      promptCharacters: value,
      uploadBytes: value,
      ownerBytes: value,
      transfers: value,
      watches: value,
    } satisfies Record<Name, typeof value>)
    .optional(),
});

export interface LimitSources {
  /** `NAME=VALUE` each. */
  readonly flags: readonly string[];
  /** YAML or JSON: `limits: { NAME: VALUE }`. */
  readonly settingsFile?: string | undefined;
}

/** @throws invalid-argument — all problems */
export async function limitsOf({ flags, settingsFile }: LimitSources): Promise<FarmLimits> {
  const problems: string[] = [];
  const fromFile = settingsFile === undefined ? {} : await readSettings(settingsFile, problems);
  const fromFlags = Object.fromEntries(flags.map((flag) => parseLimit(flag, problems)));
  if (problems.length > 0) {
    throw new BivdiffError('invalid-argument', problems.join('; '), {
      hint: `The limits and their defaults: ${LIMITS_TEXT}`,
      details: { problems },
    });
  }
  return { ...DEFAULT_LIMITS, ...fromFile, ...fromFlags };
}

function parseLimit(flag: string, problems: string[]): [string, number] {
  const [, name = '', text = ''] = /^([a-zA-Z]+)=(\d+)$/.exec(flag) ?? [];
  const number = Number(text);
  if (NAMES.some((known) => known === name) && Number.isSafeInteger(number) && number > 0) {
    return [name, number];
  }
  problems.push(`--limit: expected NAME=VALUE with a name of ${NAMES.join(', ')}, got "${flag}"`);
  return [name, number];
}

async function readSettings(path: string, problems: string[]): Promise<Partial<FarmLimits>> {
  const text = await readTextFile(path, `--settings: reading ${path}`);
  let settings: unknown;
  try {
    settings = parse(text);
  } catch (reason) {
    problems.push(`${path}: ${BivdiffError.from(reason).message.split('\n', 1)[0] ?? ''}`);
    return {};
  }
  const result = SETTINGS.safeParse(settings);
  for (const { path: where, message } of result.error?.issues ?? []) {
    problems.push(`${path}: ${where.join('.') || 'the file'}: ${message}`);
  }
  const given = Object.entries(result.data?.limits ?? {});
  return Object.fromEntries(given.filter(([, number]) => number !== undefined));
}
