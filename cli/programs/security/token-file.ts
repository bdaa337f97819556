// A coordinator's tokens, as their file has them now: it is read again when it has changed, so that a token can be given or revoked
// while jobs run.

import { stat } from 'node:fs/promises';

import { BivdiffError } from '../../../common/errors.ts';
import { readSecretFile } from '../../../common/secret-file.ts';
import type { Share } from '../../../coordinator/domain/job-rank.ts';
import type { Caller } from '../../../coordinator/rpc/access/caller.ts';
import { parseTokens } from '../../../coordinator/rpc/access/token-book.ts';
import type { TokenBook, TokenLookup } from '../../../coordinator/rpc/access/token-book.ts';
import type { Log } from '../log.ts';

/** How often it is looked whether the file has changed. */
const LOOK_MS = 2_000;

export class TokenFile implements TokenLookup {
  readonly #path: string;
  readonly #origin: string;
  #book: TokenBook;
  /** Of the file that was read, or refused, last. */
  #version: string;

  private constructor(at: { path: string; origin: string }, book: TokenBook, version: string) {
    this.#path = at.path;
    this.#origin = at.origin;
    this.#book = book;
    this.#version = version;
  }

  /** @throws permission-denied — others may read it; not-found; invalid-argument — all that is wrong in it */
  static async open(path: string, origin: string): Promise<TokenFile> {
    // Before it is read: what changes meanwhile is read once more.
    const version = await versionOf(path);
    return new TokenFile({ path, origin }, await readBook(path, origin), version);
  }

  callerOf(token: string): Caller | undefined {
    return this.#book.callerOf(token);
  }

  shareOf(owner: string): Share {
    return this.#book.shareOf(owner);
  }

  /** Reads it again whenever it has changed, until the signal aborts. A file that cannot be used changes nothing, and is logged once. */
  follow(log: Log, signal: AbortSignal): void {
    let isLooking = false;
    const look = async (): Promise<void> => {
      if (isLooking) return;
      isLooking = true;
      await this.#look(log).finally(() => (isLooking = false));
    };
    if (signal.aborted) return;
    const timer = setInterval(() => void look(), LOOK_MS);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
    });
  }

  async #look(log: Log): Promise<void> {
    const version = await versionOf(this.#path);
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#book = await readBook(this.#path, this.#origin);
      log.info({ file: this.#path }, 'tokens read again');
    } catch (reason) {
      const failure = BivdiffError.from(reason).toJSON();
      log.warn({ failure }, 'the tokens file cannot be used; the tokens of before still hold');
    }
  }
}

async function readBook(path: string, origin: string): Promise<TokenBook> {
  return parseTokens(await readSecretFile(path, { origin }), `${origin} ${path}`);
}

/** Differs when the file does; the same for all that is no file. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mode, mtimeMs, ctimeMs } = await stat(path);
    return [ino, size, mode, mtimeMs, ctimeMs].join(' ');
  } catch {
    return 'none';
  }
}
