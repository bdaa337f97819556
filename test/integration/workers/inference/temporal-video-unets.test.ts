// Goal: the graphs of VidRD's and AnimateDiff's kinds give what their models give in torch; planted mistakes show.

import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

import { openModelSet } from '../../../../common/models/model-folder.ts';
import { openOnnxSession } from '../../../../workers/inference/onnx/onnx-session.ts';
import type { FloatTensor } from '../../../../workers/tensor/tensor.ts';
import { goldenFloats, maxDifference } from '../pipelines/goldens.ts';

const DEMO = fileURLToPath(new URL('../../../../models/demo', import.meta.url));
const TOLERANCE = 1e-4;
const { videos } = await openModelSet(DEMO);
const golden = (name: string): FloatTensor => goldenFloats('video-models', name);
/** By model, as models/parity/video_models.py plants them. */
const mistakes = {
  vidrd: ['positions_go_on', 'time_before_text', 'kernel_reversed', 'norms_of_a_frame'],
  animatediff: ['positions_go_on', 'norms_of_a_frame'],
};

describe.each(Object.entries(mistakes))('%s', (name, planted) => {
  let noise: FloatTensor;
  beforeAll(async () => {
    const session = await openOnnxSession({ name, graph: videos[name]!.unet.graph!, threads: 1 });
    // Two clips of five frames of 16 by 8, none of which the export traced.
    const inputs = ['sample', 'timestep', 'encoder_hidden_states'];
    const feeds = Object.fromEntries(inputs.map((input) => [input, golden(input)]));
    noise = (await session.run(feeds))['out_sample'] as FloatTensor;
    await session.release();
  });

  it('gives the recorded noise', () => {
    expect(maxDifference(noise, golden(name))).toBeLessThanOrEqual(TOLERANCE);
  });

  it.each(planted)('does not give what it would with a mistake: %s', (mistake) => {
    expect(maxDifference(noise, golden(`${name}.${mistake}`))).toBeGreaterThan(10 * TOLERANCE);
  });
});
