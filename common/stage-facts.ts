// What holds for every task of a stage: which workers run it, what its bits depend on, the revision of its code. What one task is
// told stands in stages.ts.

import type { Pool, Stage } from './task.ts';

/**
 * What the bits of a stage's results depend on besides the task: ONNX Runtime and the processor, the codec build, or JavaScript
 * alone.
 */
export type NumericsKind = 'inference' | 'media' | 'plain';

/** The numerics class of each kind of work: a machine's own, or the one that a job was accepted for. */
export type NumericsClasses = Readonly<Record<NumericsKind, string>>;

/** All three in one string. A worker of another key may run some stages of a job, never all of them. */
export function numericsKeyOf({ inference, media, plain }: NumericsClasses): string {
  return `${inference} ${media} ${plain}`;
}

/** Which workers run it, what its bits depend on, and the revision of its code: raise it when a change alters the stage's result. */
export const STAGE_FACTS: {
  readonly [S in Stage]: {
    readonly pool: Pool;
    readonly numerics: NumericsKind;
    readonly revision: number;
  };
} = {
  ingest: { pool: 'any', numerics: 'media', revision: 2 },
  annotate: { pool: 'idm', numerics: 'plain', revision: 2 },
  estimate: { pool: 'idm', numerics: 'inference', revision: 2 },
  generate: { pool: 'idm', numerics: 'inference', revision: 2 },
  encode: { pool: 'idm', numerics: 'inference', revision: 1 },
  'invert-image': { pool: 'mixer', numerics: 'inference', revision: 1 },
  'invert-video': { pool: 'vdm', numerics: 'inference', revision: 1 },
  mix: { pool: 'mixer', numerics: 'plain', revision: 1 },
  smooth: { pool: 'vdm', numerics: 'inference', revision: 1 },
  decode: { pool: 'idm', numerics: 'inference', revision: 2 },
  compose: { pool: 'any', numerics: 'plain', revision: 1 },
  measure: { pool: 'any', numerics: 'plain', revision: 1 },
  assemble: { pool: 'any', numerics: 'media', revision: 2 },
};

/** The stages that steps of a UNet fill. Others start a process, or are short. */
export const SAMPLING_STAGES: readonly Stage[] = [
  'generate',
  'invert-image',
  'invert-video',
  'smooth',
];
