import { describe, expect, it } from 'vitest';

import {
  runLoneSampleTwice,
  spreadsClip,
} from '../../../../workers/inference/lanes/lone-sample.ts';
import type { Session, ValueFacts } from '../../../../workers/inference/ports.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import type { Tensor } from '../../../../workers/tensor/tensor.ts';

const inputs: readonly ValueFacts[] = [
  { name: 'timestep', type: 'float32', shape: [] },
  { name: 'sample', type: 'float32', shape: ['batch', 2] },
  { name: 'conds', type: 'float32', shape: [2, 'batch', 2] },
  { name: 'scales', type: 'float32', shape: [2] },
];

/** A session that gives back its sample, and notes what it was fed. */
function echo(facts = inputs) {
  const fed: Readonly<Record<string, Tensor>>[] = [];
  const session: Session = {
    name: 'echo',
    inputs: facts,
    outputs: [],
    run: async (feeds) => {
      fed.push(feeds);
      return Promise.resolve({ out: feeds['sample']! });
    },
  };
  return { session, fed };
}

function feedsOf(batch: number) {
  const ramp = (...shape: number[]): Tensor => {
    const length = shape.reduce((product, size) => product * size, 1);
    return floatTensor(
      shape,
      Float32Array.from({ length }, (_, i) => i),
    );
  };
  return {
    timestep: floatTensor([], Float32Array.of(7)),
    sample: ramp(batch, 2),
    conds: ramp(2, batch, 2),
    scales: ramp(2),
  };
}

describe('a lone sample', () => {
  it('is run twice along every axis that is the batch, and comes back once', async () => {
    const { session, fed } = echo();
    const outputs = await runLoneSampleTwice(session, feedsOf(1));
    expect(fed).toEqual([
      {
        timestep: floatTensor([], Float32Array.of(7)),
        sample: floatTensor([2, 2], Float32Array.of(0, 1, 0, 1)),
        conds: floatTensor([2, 2, 2], Float32Array.of(0, 1, 0, 1, 2, 3, 2, 3)),
        scales: floatTensor([2], Float32Array.of(0, 1)),
      },
    ]);
    expect(outputs).toEqual({ out: floatTensor([1, 2], Float32Array.of(0, 1)) });
  });

  it('is left alone in a graph whose batch is fixed or has no name', async () => {
    for (const size of [1, '']) {
      const facts = inputs.map((value) => {
        return { ...value, shape: value.shape.map((s) => (s === 'batch' ? size : s)) };
      });
      const { session, fed } = echo(facts);
      await runLoneSampleTwice(session, feedsOf(1));
      expect(fed).toEqual([feedsOf(1)]);
    }
  });

  it('is told from a batch of more, which is run as it is', async () => {
    const { session, fed } = echo();
    const outputs = await runLoneSampleTwice(session, feedsOf(3));
    expect(fed).toEqual([feedsOf(3)]);
    expect(outputs['out']).toEqual(feedsOf(3).sample);
  });

  it('is no clip of several frames whose temporal convolutions are done row by row', () => {
    const rowwise = { rowwise_temporal_convs: true };
    const clip = (frames: number): Tensor => floatTensor([1, 4, frames, 2, 2]);
    expect(spreadsClip(rowwise, clip(2))).toBe(true);
    expect(spreadsClip(rowwise, clip(1))).toBe(false);
    expect(spreadsClip({}, clip(2))).toBe(false);
    expect(spreadsClip(rowwise, undefined)).toBe(false);
  });

  it('is left to the session to refuse when a feed is missing or misshapen', async () => {
    const { session, fed } = echo();
    const { sample } = feedsOf(1);
    await runLoneSampleTwice(session, { sample, conds: sample });
    expect(fed[0]?.['conds']).toBe(sample);
    await runLoneSampleTwice(session, {});
    expect(fed[1]).toEqual({});
  });
});
