// A list of an API server that is known to be whole: page after page of one state of the server, to the last. Nothing else makes one, so
// nobody can act on part of a list. Knows no network: pages come from whoever calls.

import { BivdiffError } from '../../common/errors.ts';

/** One answer of the server, as it came. */
export interface ListPage<T> {
  readonly resourceVersion?: string | undefined;
  /** Where the next page begins; empty or absent: this was the last. */
  readonly next?: string | undefined;
  /** Items on further pages, where the server says so. */
  readonly remaining?: number | undefined;
  /** Absent where the answer was cut, or is none. */
  readonly items?: readonly T[] | undefined;
}

/** A server that gives page after page for ever is broken. */
const PAGES_MAX = 1_000;

export class CompleteList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** By the caller's monotonic clock: the list is at least as new as this. */
  readonly asOfMs: number;
  /** Only `collect` has it. */
  readonly #isWhole = true;

  private constructor(items: readonly T[], resourceVersion: string, asOfMs: number) {
    this.items = items;
    this.resourceVersion = resourceVersion;
    this.asOfMs = asOfMs;
  }

  /** The same list of something else. */
  map<U>(change: (item: T) => U): CompleteList<U> {
    return new CompleteList(this.items.map(change), this.resourceVersion, this.asOfMs);
  }

  /** Whether it was made by `collect`: an object of the same shape was not. */
  static isOne(value: unknown): value is CompleteList<unknown> {
    return typeof value === 'object' && value !== null && #isWhole in value;
  }

  /**
   * Asks for page after page. `what`: for errors.
   * @throws data-loss — an answer has no items, no version, another version than the first, or the last page is not the last
   * @throws as `ask`
   */
  static async collect<T>(
    what: string,
    nowMs: () => number,
    ask: (next: string | undefined) => Promise<ListPage<T>>,
  ): Promise<CompleteList<T>> {
    const asOfMs = nowMs();
    const items: T[] = [];
    let version: string | undefined;
    let next: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer = await ask(next);
      if (!Array.isArray(answer.items)) throw incomplete(what, 'an answer has no items');
      const { resourceVersion } = answer;
      if (resourceVersion === undefined || resourceVersion === '') {
        throw incomplete(what, 'an answer has no resourceVersion');
      }
      version ??= resourceVersion;
      if (version !== resourceVersion) throw incomplete(what, 'pages are of different versions');
      items.push(...(answer.items as readonly T[]));
      next = answer.next === '' ? undefined : answer.next;
      if (next !== undefined) continue;
      if ((answer.remaining ?? 0) > 0) throw incomplete(what, 'the last page is not the last');
      return new CompleteList(items, version, asOfMs);
    }
    throw incomplete(what, `more than ${PAGES_MAX} pages`);
  }
}

function incomplete(what: string, why: string): BivdiffError {
  return new BivdiffError('data-loss', `the list of ${what} is not complete: ${why}`, {
    hint: 'Nothing is changed until a whole list has come. A proxy before the API server may cut its answers.',
  });
}
