// Takes what a stage needs out of what a graph gave.

import { BivdiffError } from '../../common/errors.ts';
import type { FloatTensor, Tensor } from '../tensor/tensor.ts';

/** An output by its name. @throws failed-precondition — the graph has no such output of floats */
export function floatOutput(
  outputs: Readonly<Record<string, Tensor>>,
  name: string,
  graph: string,
): FloatTensor {
  const output = outputs[name];
  if (output?.type === 'float32') return output;
  const found = Object.keys(outputs).join(', ');
  throw new BivdiffError(
    'failed-precondition',
    `graph ${graph} gives no floats called ${name}; it gives ${found}`,
    {
      retry: 'never',
      hint: 'It was exported otherwise: export the model again with `models/export`.',
      details: { graph, output: name },
    },
  );
}
