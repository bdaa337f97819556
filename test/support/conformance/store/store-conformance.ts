// What every store adapter must do. Goal: whoever programs against the port sees no difference between adapters.
// Method: each case uses a fresh store and the port alone, but for damage, which comes from outside.

import { describe } from 'vitest';

import { describeArtifacts } from './store-artifacts.ts';
import { describeDocuments } from './store-documents.ts';
import type { StoreHarness } from './store-harness.ts';
import { describeRecords } from './store-records.ts';
import { describeUpkeep } from './store-upkeep.ts';

export function describeStoreConformance(
  name: string,
  makeStore: () => Promise<StoreHarness>,
): void {
  describe(`${name}: artifacts`, () => {
    describeArtifacts(makeStore);
  });
  describe(`${name}: records`, () => {
    describeRecords(makeStore);
  });
  describe(`${name}: documents and names`, () => {
    describeDocuments(makeStore);
  });
  describe(`${name}: upkeep`, () => {
    describeUpkeep(makeStore);
  });
}
