// What a worker has loaded before its first task: whole graphs, or where it is told that features are used again what is made of those for it. In a lane, of
// the models that ship.

import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, it } from 'vitest';

import { Probes } from '../../../../cli/programs/http/probes.ts';
import { createLog } from '../../../../cli/programs/log.ts';
import { preloadModels } from '../../../../cli/programs/preload.ts';
import { openModelSet, partsOf } from '../../../../common/models/model-folder.ts';
import type { Pool } from '../../../../common/task.ts';
import { LANE_ENTRY } from '../../../../recipes/lane-entry.ts';
import { createLanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import type { LanePool } from '../../../../workers/inference/lanes/lane-pool.ts';
import { partFactsOf } from '../../../../workers/inference/onnx/part-facts.ts';

const DEMO_SET = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
const MIB = 2 ** 20;
const set = await openModelSet(DEMO_SET);
const partOf = partFactsOf(set);
const { image, generators, videos, annotators } = set;

/** Of weights, of each part once. */
function bytesOf(parts: readonly { readonly digest: string }[], form?: 'deep' | 'shallow'): number {
  const digests = new Set(parts.map(({ digest }) => digest));
  const own = partsOf(set).filter(({ digest }) => digests.delete(digest));
  return own.reduce((sum, { digest }) => {
    const { weightBytes, formBytes } = partOf(digest)!;
    return sum + (form === undefined ? weightBytes : formBytes(form)!);
  }, 0);
}

describe('a worker that preloads', () => {
  let lanes: LanePool;
  let lines: readonly string[] = [];
  afterEach(async () => lanes.close());

  /** Bytes of weights that its lane then has. */
  async function preload(name: string, pool: Pool, memoryLimitBytes = 512 * MIB): Promise<number> {
    lines = [];
    const executionProviders = ['cpu'];
    lanes = createLanePool({
      ...{ entry: LANE_ENTRY, lanes: 1, threadsPerLane: 2, executionProviders, memoryLimitBytes },
    });
    const log = createLog({ write: (line) => (lines = [...lines, line]).length > 0 }, 'worker');
    const { signal } = new AbortController();
    const settings = { sets: [name], modelsFolder: DEMO_SET, pools: [pool], log };
    await preloadModels(settings, { lanes, probes: new Probes(), signal });
    return lanes.stats().loads[0]!.loadedBytes;
  }

  const smoothers = Object.values(videos).map(({ unet }) => unet);
  const encoders = Object.values(videos).map(({ textEncoder }) => textEncoder);

  it('of pool vdm has what its models are, and is told no more', async () => {
    expect(await preload('demo', 'vdm')).toBe(bytesOf([...encoders, ...smoothers]));
    expect(lines).toEqual([expect.stringContaining('worker has loaded its models')]);
  });

  it('for --fast smooths by what is made of them, and inverts by what they are', async () => {
    const made = bytesOf(smoothers, 'deep') + bytesOf(smoothers, 'shallow');
    expect(await preload('demo:fast', 'vdm')).toBe(bytesOf([...encoders, ...smoothers]) + made);
    expect(lines).toEqual([expect.stringContaining('worker has loaded its models')]);
  });

  it('for --fast draws by what is made of the UNets, but for those that are run whole', async () => {
    const drawing = Object.values(generators).map(({ unet }) => unet);
    const whole = [generators['prompt2prompt']!, generators['controlvideo-canny']!];
    const cut = drawing.filter((unet) => whole.every((one) => one.unet !== unet));
    const others = [
      ...Object.values(annotators).map(({ model }) => model),
      ...Object.values(generators).map(({ textEncoder }) => textEncoder),
      ...[image.vaeEncoder, image.vaeDecoder, ...whole.map(({ unet }) => unet)],
    ];
    const made = bytesOf(cut, 'deep') + bytesOf(cut, 'shallow');
    expect(await preload('demo:fast', 'idm')).toBe(bytesOf(others) + made);
  });

  it('says so where not all of it fits', async () => {
    const all = bytesOf([...encoders, ...smoothers]);
    expect(await preload('demo:fast', 'vdm', all)).toBeLessThanOrEqual(all);
    expect(lines.at(-1)).toContain('the models of --preload do not all fit');
  });
});
