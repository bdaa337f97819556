import { describe, expect, it } from 'vitest';

import {
  listExecutionProviders,
  probeProvider,
} from '../../../../workers/inference/onnx/providers.ts';

describe('the execution providers of this machine', () => {
  it('include the processor, and each other says why it cannot be used', async () => {
    const providers = await listExecutionProviders();
    expect(providers).toContainEqual({ name: 'cpu', isUsable: true });
    for (const { isUsable, reason } of providers) {
      if (!isUsable) expect(reason).toMatch(/^[^\n]+$/);
    }
  });

  it('do not include one that no build has', async () => {
    expect(await probeProvider('abacus')).toEqual({
      name: 'abacus',
      isUsable: false,
      reason: expect.stringContaining('backend not found') as string,
    });
  });

  it('are not waited for once the signal aborts', async () => {
    const probe = probeProvider('cpu', { signal: AbortSignal.abort() });
    await expect(probe).rejects.toMatchObject({ name: 'AbortError' });
  });
});
