// What an API server that is not to be trusted may answer, drawn from a seed or chosen by a test. Pure: knows nothing of connections.

import { numberOf } from '../../conformance/seed.ts';

/**
 * Instead of the answer to any request:
 * - `error`: 500
 * - `too-many`: 429, to be asked again after a second
 * - `stall`: nothing, for as long as the client waits
 * - `break-body`: half of the body, then the connection breaks
 * - `lose-answer`: the server has done it, and the client's connection breaks before it hears of it
 *
 * Of a list:
 * - `empty-list`: no items
 * - `cut-list`: the first half of the items, and no sign that there are more
 * - `stale-list`: the oldest answer that is remembered of this list
 *
 * Of a watch:
 * - `break-watch`: breaks in the middle of an event
 * - `end-watch`: ends after an event, as servers do after some minutes
 * - `expire-watch`: says that its version is too old (410), and ends
 * - `silent-watch`: stands, but tells of nothing
 */
export type Lie = (typeof LIES)[keyof typeof LIES][number];

const ANY = ['error', 'too-many', 'stall', 'break-body', 'lose-answer'] as const;

/** By what is asked for. */
export const LIES = {
  list: [...ANY, 'empty-list', 'cut-list', 'stale-list'],
  watch: ['error', 'too-many', 'stall', 'break-watch', 'end-watch', 'expire-watch', 'silent-watch'],
  other: ANY,
} as const;

export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly kind: keyof typeof LIES;
}

export interface Drawing {
  /** Decides everything: the n-th request of one method for one path always meets the same. */
  readonly seed: number;
  /** Of requests that are answered with a lie, 0 to 1. */
  readonly share: number;
  /** Only these. @default all */
  readonly only?: readonly Lie[];
}

/** Draws for each request. What kind of lie it is does not depend on what other paths are asked for meanwhile. */
export function drawnLies({ seed, share, only }: Drawing): (seen: SeenRequest) => Lie | undefined {
  const counts = new Map<string, number>();
  return ({ method, path, kind }) => {
    const key = `${method} ${path} ${kind}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const number = numberOf(`${seed} ${key} ${count}`, 2 ** 31);
    if (number >= share * 2 ** 31) return undefined;
    const among: readonly Lie[] = LIES[kind];
    const fitting = among.filter((lie) => only?.includes(lie) ?? true);
    return fitting[numberOf(`${seed} ${key} ${count} which`, Math.max(1, fitting.length))];
  };
}

/**
 * What is asked for, by method, path and query. A path ends with a name or with what there are several of: `/api/v1/pods`,
 * `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL`.
 */
export function seenRequest(method: string, url: string): SeenRequest {
  const { pathname: path, searchParams } = new URL(url, 'https://server.invalid');
  if (method !== 'GET' || !LIST.test(path)) return { method, path, kind: 'other' };
  const isWatch = ['true', '1'].includes(searchParams.get('watch') ?? '');
  return { method, path, kind: isWatch ? 'watch' : 'list' };
}

const LIST = /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/[^/]+)?\/[^/]+$/;

/** Alike for requests that ask for the same items, whatever version they want. */
export function listKey(url: string): string {
  const { pathname, searchParams } = new URL(url, 'https://server.invalid');
  for (const name of ['resourceVersion', 'resourceVersionMatch', 'timeoutSeconds']) {
    searchParams.delete(name);
  }
  searchParams.sort();
  return `${pathname}?${searchParams.toString()}`;
}

/** A list as the API server sends it. */
export interface List {
  readonly kind?: string;
  readonly metadata: {
    readonly resourceVersion?: string | undefined;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly unknown[];
}

/** With so many of its items, and no word of more. */
function shortened(list: List, count: number): List {
  const { resourceVersion } = list.metadata;
  return { ...list, metadata: { resourceVersion }, items: list.items.slice(0, count) };
}

/** What a lie makes of a list; nothing where that is what it is already. @param oldest - that is remembered of it */
export function otherList(list: List, lie: Lie, oldest: List | undefined): List | undefined {
  const count = list.items.length;
  switch (lie) {
    case 'empty-list':
      return count === 0 ? undefined : shortened(list, 0);
    case 'cut-list':
      return count === 0 ? undefined : shortened(list, count >> 1);
    case 'stale-list':
      return oldest?.metadata.resourceVersion === list.metadata.resourceVersion
        ? undefined
        : oldest;
    default:
      return undefined;
  }
}
