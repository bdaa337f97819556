// No stage of a render: loads graphs into the lane that it runs in, so that the first task need not.

import type { StageContext, StageInput } from '../inference/ports.ts';
import type { Tensor } from '../tensor/tensor.ts';

export interface PreloadParams {
  /** Of the graphs to load, in order. */
  readonly roles: readonly string[];
}

/** Makes nothing. Progress is in graphs. */
export async function preload(
  { params: { roles } }: StageInput<PreloadParams>,
  context: StageContext,
): Promise<Readonly<Record<string, Tensor>>> {
  for (const [index, role] of roles.entries()) {
    context.throwIfCancelled();
    await context.session(role);
    context.progress(index + 1, roles.length);
  }
  return {};
}
