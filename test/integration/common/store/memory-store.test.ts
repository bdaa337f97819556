// The store in memory behaves as every store does.

import { createMemoryHarness } from '../../../support/conformance/store/store-harness.ts';
import { describeStoreConformance } from '../../../support/conformance/store/store-conformance.ts';

describeStoreConformance('memory store', createMemoryHarness);
