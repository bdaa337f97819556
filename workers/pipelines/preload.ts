// No stage of a render: loads graphs into the lane that it runs in, so that the first task need not.

import type { GraphForm, StageContext, StageInput } from '../inference/ports.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface PreloadParams {
  /** To load, in order. Without a form a graph is loaded as it is. */
  readonly graphs: readonly { readonly role: string; readonly form?: GraphForm }[];
}

/** Makes nothing. Progress is in graphs. */
export async function preload(
  { params: { graphs } }: StageInput<PreloadParams>,
  context: StageContext,
): Promise<Readonly<Record<string, Tensor>>> {
  for (const [index, { role, form }] of graphs.entries()) {
    context.throwIfCancelled();
    await context.session(role, form);
    context.progress(index + 1, graphs.length);
  }
  return {};
}
