// Artifacts and records for a store to have.

import type { ArtifactRef, ResultRecord } from '../../../../common/task.ts';
import { artifactOf, recordOf } from '../results.ts';
import { bytesOf } from '../seed.ts';
import type { StoreHarness } from './store-harness.ts';

export async function put(
  harness: StoreHarness,
  label: string,
  bytes = 1000,
): Promise<ArtifactRef> {
  return artifactOf(await harness.store.putArtifact(bytesOf(label, bytes)), bytes);
}

export async function commit(
  harness: StoreHarness,
  label: string,
  artifacts: readonly ArtifactRef[],
): Promise<ResultRecord> {
  const record = recordOf(label, artifacts);
  await harness.store.putRecord(record);
  return record;
}
