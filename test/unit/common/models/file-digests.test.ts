import { describe, expect, it } from 'vitest';

import { defaultDigestCacheFolder } from '../../../../common/models/file-digests.ts';

describe('the folder of remembered digests', () => {
  it('is in the cache folder of the user', () => {
    expect(defaultDigestCacheFolder({ XDG_CACHE_HOME: '/var/cache/me' })).toBe(
      '/var/cache/me/bivdiff',
    );
    expect(defaultDigestCacheFolder({})).toMatch(/\.cache\/bivdiff$/);
  });

  it('is not below a relative path', () => {
    expect(defaultDigestCacheFolder({ XDG_CACHE_HOME: 'cache' })).toMatch(/\.cache\/bivdiff$/);
  });

  it('is none when the memory is turned off', () => {
    expect(defaultDigestCacheFolder({ BIVDIFF_DIGEST_CACHE: 'off' })).toBe(false);
  });
});
