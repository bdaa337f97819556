// A prompt as the UNets see it. Kept from task to task: every batch of a job has the same prompts.

import type { StageContext } from '../inference/ports.ts';
import type { FloatTensor } from '../tensor/tensor.ts';
import { floatOutput } from './graph-outputs.ts';

/** `[1, 77, width]` float32: the last hidden state of the task's text encoder. Shared with other tasks: never written to. */
export async function embedText(text: string, context: StageContext): Promise<FloatTensor> {
  const models = `${context.digest('tokenizer')} ${context.digest('text-encoder')}`;
  return context.memo(`text-embedding ${models} ${text}`, async () => {
    const tokenizer = await context.tokenizer('tokenizer');
    const encoder = await context.session('text-encoder');
    const ids = tokenizer.encode(text);
    const outputs = await encoder.run({
      input_ids: { type: 'int64', shape: [1, ids.length], data: ids },
    });
    return floatOutput(outputs, 'last_hidden_state', encoder.name);
  });
}
