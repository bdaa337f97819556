// Which samplers keep latents within bounds, as diffusers' classes do unless a config says otherwise. Their default is meant for pixels; latents go beyond.

import type { InversionMode, SamplerName } from '../stages.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

const INVERTERS = { ddim: 'ddim-inverse', official: 'bivdiff-inverse' } as const satisfies Readonly<
  Record<InversionMode, string>
>;

interface Clipping {
  readonly sampler?: SamplerName | undefined;
  readonly inversion?: InversionMode | undefined;
}

/** The bound, above 0, that one of them keeps to with this content of a scheduler_config.json; undefined: none does, or the config fits none. */
function clippedTo(config: unknown, { sampler, inversion }: Clipping): number | undefined {
  const used = [sampler, inversion && INVERTERS[inversion]].filter((name) => name !== undefined);
  for (const algorithm of used) {
    try {
      const { clipRange } = readSchedulerConfig(config, algorithm);
      if (clipRange !== null) return clipRange;
    } catch {
      // What does not fit is refused where samplers are made.
    }
  }
  return undefined;
}

/** What it does to a render; after the name of the file. */
export function clippingText(bound: number): string {
  return `keeps latents within -${bound} to ${bound} at every step, which spoils pictures`;
}

export const CLIPPING_HINT =
  'Write "clip_sample": false into it. Where that is left out, diffusers\' schedulers clip too; its StableDiffusionPipeline turns it off when it opens a folder.';

/** A part of a model set that is a scheduler, and what it is used by. */
interface SchedulerUse<P> extends Clipping {
  readonly scheduler: P;
}

/** The schedulers by which a use of them keeps latents within bounds, each once, with the bound. */
export function clippingSchedulers<P extends { readonly config: unknown }>(
  uses: readonly SchedulerUse<P>[],
): readonly (readonly [scheduler: P, bound: number])[] {
  const bounds = new Map<P, number>();
  for (const { scheduler, ...use } of uses) {
    const bound = clippedTo(scheduler.config, use);
    if (bound !== undefined && !bounds.has(scheduler)) bounds.set(scheduler, bound);
  }
  return [...bounds];
}
