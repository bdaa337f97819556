// The store behind a coordinator behaves as every store does, over a real connection.

import { createRemoteHarness } from '../../../support/conformance/remote-store-harness.ts';
import { describeStoreConformance } from '../../../support/conformance/store/store-conformance.ts';

describeStoreConformance('remote store', createRemoteHarness);
