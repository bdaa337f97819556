// Results of one revision of a stage are reused for ever, so its bytes must not change unless the revision is raised in
// common/stage-facts.ts. These are the stages that no model takes part in; the others are held by the parity tests.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { STAGE_FACTS } from '../../../../common/stage-facts.ts';
import { annotate } from '../../../../workers/pipelines/annotate/body.ts';
import { compose } from '../../../../workers/pipelines/compose/body.ts';
import { measure } from '../../../../workers/pipelines/measure/body.ts';
import { merge } from '../../../../workers/pipelines/merge/body.ts';
import { mix } from '../../../../workers/pipelines/mix/body.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { FloatTensor, Tensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from './analytic-context.ts';
import { drawFrames } from './drawn-frames.ts';

/** By stage and revision, of the output for the inputs below. A raised revision adds a line; none is ever changed. */
const DIGESTS: Readonly<Record<string, string>> = {
  'annotate 1': '53f767fcad2ebdf9a2c6987cf396944e4aec80bb75c22a59db00246a2bebffe8',
  // The same tensors; they are stored as other PNGs.
  'annotate 2': '53f767fcad2ebdf9a2c6987cf396944e4aec80bb75c22a59db00246a2bebffe8',
  'mix 1': '1b5850ee1270ea8a671380a2dc7e9656b030188a445dac9b416c5a512fd48ebe',
  'merge 1': '913ee3e8126b8769f63834f719464e3abb8ac1dad492fecf1450c6e99dda3acf',
  'compose 1': '874b3a4b063b634859b8959ec458a6ced87175c126db2c3958d6c6aa56ab0381',
  'measure 1': 'd8c2be1bca6fe1843079dcf2601b368be779fe63b43c0200809cfba6bc84b62e',
};

const params = { annotator: 'canny', low: 60, high: 150 } as const;
const frames = [1, 2, 3];

function digestOf(outputs: Readonly<Record<string, Tensor>>): string {
  const hash = createHash('sha256');
  for (const [name, { type, shape, data }] of Object.entries(outputs)) {
    hash.update(`${name} ${type} [${shape.join(', ')}]\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** Levels as floats around 0. */
function noiseLike(seed: number): FloatTensor {
  const { data } = drawFrames(3, { seed, grain: 115 });
  return floatTensor(
    [3, 4, 12, 144],
    Float32Array.from(data, (level) => (level - 128) / 37),
  );
}

async function outputOf(
  stage: 'annotate' | 'mix' | 'merge' | 'compose' | 'measure',
): Promise<Readonly<Record<string, Tensor>>> {
  const context = analyticContext();
  const source = drawFrames(4, { seed: 11, grain: 9 });
  switch (stage) {
    case 'annotate':
      return annotate({ params, tensors: { frames: source }, frames: [0, 1, 2, 3] }, context);
    case 'mix': {
      const tensors = { image: noiseLike(12), video: noiseLike(13) };
      return mix({ params: { mixingRatio: 0.2 }, tensors, frames }, context);
    }
    case 'merge': {
      const copies = [
        [0, 1, 2],
        [2, 0, 1],
      ] as const;
      const merging = { length: 3, copies } as const;
      return merge({ params: merging, tensors: { latents: noiseLike(18) }, frames }, context);
    }
    case 'compose': {
      const tensors = {
        smoothed: drawFrames(3, { seed: 16, grain: 30 }),
        source: drawFrames(3, { seed: 17, grain: 30 }),
      };
      const hidden = frames.map((x) => [{ x, y: 2, width: 7, height: 5 }]);
      return compose({ params: { feather: 3, hidden }, tensors, frames }, context);
    }
    case 'measure': {
      const { control } = await outputOf('annotate');
      const generated = drawFrames(4, { seed: 14, grain: 60 });
      const smoothed = drawFrames(4, { seed: 15, grain: 20 });
      const tensors = { control: control!, generated, smoothed };
      return measure({ params, tensors, frames }, context);
    }
  }
}

describe('a revision of a stage', () => {
  it.each(['annotate', 'mix', 'merge', 'compose', 'measure'] as const)(
    'of %s makes the same bytes for ever',
    async (stage) => {
      const revision = `${stage} ${String(STAGE_FACTS[stage].revision)}`;
      expect(`${revision}: ${digestOf(await outputOf(stage))}`).toBe(
        `${revision}: ${DIGESTS[revision]!}`,
      );
    },
  );
});
