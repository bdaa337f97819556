// A clip under comparison, wherever it came from.

import type { JobId } from '../../common/task.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import type { Control } from '../../workers/pipelines/measure/sums.ts';
import type { Joint } from '../../workers/vision/skeleton.ts';

export interface Clip {
  readonly label: string;
  /** All of one size. */
  readonly frames: readonly RgbImage[];
  readonly framesPerSecond: number;
  /** `shown`: a control or a source, of which nothing is measured. */
  readonly kind: 'shown' | 'measured';
  /** First frames of its shots, but for the first shot's: pairs of frames across a cut are not looked at. @default one shot */
  readonly cuts?: readonly number[];
  /** What its edges are compared with, where that is known. */
  readonly control?: Control;
  /** How an annotator sees them, beside the control that they were to follow; of jobs that had one. */
  readonly depth?: Asked<RgbImage>;
  readonly joints?: Asked<readonly Joint[]> & { readonly threshold: number };
  /** What the frames show, where that was said. */
  readonly prompt?: string;
  readonly origin: ClipOrigin;
}

/** One of each frame. */
export interface Asked<T> {
  readonly control: readonly T[];
  readonly own: readonly T[];
}

export type ClipOrigin =
  | { readonly path: string }
  | { readonly job: JobId; readonly panel: string; readonly request?: RenderSpec };
