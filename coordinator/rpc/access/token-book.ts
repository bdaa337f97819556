// The tokens that a coordinator knows, each by its SHA-256 only: who reads the file, or this program's memory, cannot call with it.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import { parse } from 'yaml';
import { z } from 'zod';

import { BivdiffError } from '../../../common/errors.ts';
import { EQUAL_SHARE } from '../../domain/job-rank.ts';
import type { Share } from '../../domain/job-rank.ts';
import { OWNER, PRIORITY_MAX } from './caller.ts';
import type { Caller } from './caller.ts';
import { ROLES, withIncluded } from './roles.ts';
import type { Role } from './roles.ts';

/** So that people, and programs that look for leaked secrets, see what it is. */
const TOKEN_PREFIX = 'bivdiff_';
const TOKEN_BYTES = 32;
/** What jobs have by default: who submits may step back, and forward only where the farm's owner says so. */
const SUBMITTER_PRIORITY_MAX = 50;

const ENTRY = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
  owner: z.string().regex(OWNER, 'expected letters a-z, digits, ".", "_" and "-", 64 at most'),
  roles: z.array(z.enum(ROLES)).min(1),
  weight: z.number().positive().optional(),
  quota: z.int().positive().optional(),
  priorityMax: z.int().min(0).max(PRIORITY_MAX).optional(),
});
const FILE = z.strictObject({ tokens: z.array(ENTRY).min(1) });

export interface TokenEntry {
  /** Of the token, hex. */
  readonly sha256: string;
  readonly owner: string;
  readonly roles: readonly Role[];
  /** The owner's share of the farm against other owners. @default 1 */
  readonly weight?: number | undefined;
  /** Tasks of the owner that run at once, at most. @default no bound */
  readonly quota?: number | undefined;
  /** The highest priority that its bearer may give to a job. @default 100 with the role operate, else 50 */
  readonly priorityMax?: number | undefined;
}

interface Known {
  readonly hash: Buffer;
  readonly caller: Caller;
}

/** Who may do what, now. */
export type TokenLookup = Pick<TokenBook, 'callerOf' | 'shareOf'>;

export class TokenBook {
  readonly #known: readonly Known[];
  readonly #shares: ReadonlyMap<string, Share>;

  constructor(entries: readonly TokenEntry[]) {
    this.#known = entries.map((entry) => ({
      hash: Buffer.from(entry.sha256, 'hex'),
      caller: callerOfEntry(entry),
    }));
    this.#shares = new Map(entries.map((entry) => [entry.owner, shareOfEntry(entry)]));
  }

  /** Takes as long whichever token it is, and if it is none. */
  callerOf(token: string): Caller | undefined {
    const hash = createHash('sha256').update(token).digest();
    let found: Caller | undefined;
    for (const one of this.#known) if (timingSafeEqual(one.hash, hash)) found = one.caller;
    return found;
  }

  /** What an owner may have of the farm. */
  shareOf(owner: string): Share {
    return this.#shares.get(owner) ?? EQUAL_SHARE;
  }
}

/**
 * Reads the text of a tokens file, YAML or JSON.
 * @throws invalid-argument — all problems, none of which repeats what the file holds
 */
export function parseTokens(text: string, origin: string): TokenBook {
  const result = FILE.safeParse(parseText(text, origin));
  if (!result.success) {
    // A token in the wrong place must not get into a log.
    throw badFile(
      origin,
      result.error.issues.map(({ path, code, message }) => {
        const what = code === 'unrecognized_keys' ? 'has a key that is not known' : message;
        return `${path.join('.') || 'the file'}: ${what}`;
      }),
    );
  }
  const { tokens } = result.data;
  const problems: string[] = [];
  const hashes = new Set<string>();
  const shares = new Map<string, string>();
  tokens.forEach((entry, i) => {
    if (hashes.has(entry.sha256)) problems.push(`tokens.${i}: its sha256 is there twice`);
    hashes.add(entry.sha256);
    const share = JSON.stringify([entry.weight, entry.quota]);
    if ((shares.get(entry.owner) ?? share) !== share) {
      problems.push(`tokens.${i}: weight and quota of ${entry.owner} differ between its tokens`);
    }
    shares.set(entry.owner, share);
  });
  if (problems.length > 0) throw badFile(origin, problems);
  return new TokenBook(tokens);
}

/**
 * Checks one entry before it is in a file; `nameOf` says what its keys are called where it comes from.
 * @throws invalid-argument — all problems
 */
export function checkTokenEntry(entry: TokenEntry, nameOf: (key: string) => string): void {
  const result = ENTRY.safeParse(entry);
  if (result.success) return;
  const problems = result.error.issues.map(
    ({ path, message }) => `${nameOf(String(path[0]))}: ${message}`,
  );
  throw new BivdiffError('invalid-argument', problems.join('; '), { details: { problems } });
}

/** A fresh token, to be shown once, and what to write down of it. */
export function createToken(): { readonly token: string; readonly sha256: string } {
  const token = `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  return { token, sha256: createHash('sha256').update(token).digest('hex') };
}

function parseText(text: string, origin: string): unknown {
  try {
    return parse(text, { logLevel: 'silent' }) as unknown;
  } catch {
    // What the parser says repeats a line of the file.
    throw badFile(origin, ['it is neither YAML nor JSON']);
  }
}

function badFile(origin: string, problems: readonly string[]): BivdiffError {
  return new BivdiffError('invalid-argument', `${origin}: ${problems.join('; ')}`, {
    hint: 'bivdiff token create prints entries as the file takes them.',
    details: { problems },
  });
}

function callerOfEntry({ owner, roles, priorityMax }: TokenEntry): Caller {
  const most = roles.includes('operate') ? PRIORITY_MAX : SUBMITTER_PRIORITY_MAX;
  return {
    ...{ owner, name: owner, roles: withIncluded(roles) },
    priorityMax: priorityMax ?? most,
  };
}

function shareOfEntry({ weight, quota }: TokenEntry): Share {
  return { weight: weight ?? EQUAL_SHARE.weight, quota: quota ?? EQUAL_SHARE.quota };
}
