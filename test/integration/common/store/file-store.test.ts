// The store in a directory behaves as every store does, on a real file system.

import { createFileHarness } from '../../../support/conformance/store/store-harness.ts';
import { describeStoreConformance } from '../../../support/conformance/store/store-conformance.ts';

describeStoreConformance('file store', createFileHarness);
