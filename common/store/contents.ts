// What upkeep (upkeep.ts) needs of an adapter: to list, check and remove what lies in it. Every adapter with a place
// provides it; nobody else uses it.

import type { Digest, ResultRecord, TaskId } from '../task.ts';
import type { DocumentName } from './ports.ts';

export type Area = 'artifacts' | 'records' | 'documents' | 'quarantine';

/** One thing in the store. `name` is the digest, the task id, `kind/id`, or what the quarantine calls it. */
export interface StoredItem {
  readonly area: Area;
  readonly name: string;
  readonly bytes: number;
  /** When it was put or last reused. */
  readonly changedMs: number;
}

export interface StoreContents {
  /** All of an area, in batches of any size. What comes or goes meanwhile may be listed or not. */
  list(area: Area): AsyncIterable<readonly StoredItem[]>;
  /** The record, or undefined if absent or damaged. Changes nothing. */
  peekRecord(taskId: TaskId): Promise<ResultRecord | undefined>;
  /** Whether it is sound. A damaged one is moved aside; one that is gone meanwhile counts as sound. */
  isSound(
    item: StoredItem,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<boolean>;
  artifactBytes(digest: Digest): Promise<number | undefined>;
  dropRecord(taskId: TaskId): Promise<void>;
  /** Removes an item unless it was changed since; says whether it did. */
  removeIf(item: StoredItem, isUnwanted: (changedMs: number) => boolean): Promise<boolean>;
}

export function documentNameOf(item: Pick<StoredItem, 'name'>): DocumentName {
  const slash = item.name.indexOf('/');
  return {
    kind: item.name.slice(0, slash) as DocumentName['kind'],
    id: item.name.slice(slash + 1),
  };
}
