import { describe, expect, it } from 'vitest';

import { embedText } from '../../../../workers/pipelines/text-embedding.ts';
import { floatTensor } from '../../../../workers/tensor/tensor.ts';
import { analyticContext } from './analytic-context.ts';
import type { AnalyticModel } from './analytic-context.ts';

const encoder: AnalyticModel = {
  run: ({ input_ids }) => {
    const ids = Float32Array.from(input_ids!.data as BigInt64Array, Number);
    return { last_hidden_state: floatTensor([1, 77, 1], ids) };
  },
};

describe('embedText', () => {
  it('encodes the tokens of a text once', async () => {
    const context = analyticContext({ models: { 'text-encoder': encoder } });
    const first = await embedText('ab', context);
    expect(first.shape).toEqual([1, 77, 1]);
    expect([...first.data.subarray(0, 3)]).toEqual([97, 98, 0]);
    expect(await embedText('ab', context)).toBe(first);
    expect((await embedText('', context)).data[0]).toBe(0);
    expect(context.feeds.map(({ feeds }) => feeds['input_ids']!.shape)).toEqual([
      [1, 77],
      [1, 77],
    ]);
  });

  it('says what the encoder gives if it gives no hidden state', async () => {
    const run = () => ({ pooler_output: floatTensor([1, 1]) });
    const context = analyticContext({ models: { 'text-encoder': { run } } });
    await expect(embedText('a', context)).rejects.toMatchObject({
      code: 'failed-precondition',
      message:
        'graph text-encoder gives no floats called last_hidden_state; it gives pooler_output',
    });
  });
});
