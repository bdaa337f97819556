import { describe, expect, it } from 'vitest';

import { keptGraphsHere } from '../../../../workers/inference/onnx/kept-graphs.ts';

const GIB = 2 ** 30;

describe('the folder of kept graphs', () => {
  it('is in the cache folder of the user, with a bound', () => {
    expect(keptGraphsHere({ XDG_CACHE_HOME: '/var/cache/me' })).toMatchObject({
      folder: '/var/cache/me/bivdiff/graphs',
      bytesMax: 64 * GIB,
    });
  });

  it('is as large as is said', () => {
    expect(keptGraphsHere({ BIVDIFF_GRAPH_CACHE_GIB: '2.5' })?.bytesMax).toBe(2.5 * GIB);
  });

  it.each(['0', '-1', 'off', 'much', ''])('is none where its size is "%s"', (gib) => {
    expect(keptGraphsHere({ BIVDIFF_GRAPH_CACHE_GIB: gib })).toBeUndefined();
  });

  it('is for large graphs only', () => {
    expect(keptGraphsHere({})?.weightBytesMin).toBe(128 * 2 ** 20);
  });
});
