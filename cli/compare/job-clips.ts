// The clips of rendered jobs: what the frames were drawn along, the frames as they were drawn, and what became of them. What several jobs
// share is there once.

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { InputPart, JobId } from '../../common/task.ts';
import { readRequest } from '../../coordinator/jobs/job-request.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { wantedFrames } from '../../recipes/pipeline/job-base.ts';
import { PANEL_LABELS } from '../../recipes/panels.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import { panelParts, readParts } from '../local/job-pictures.ts';
import type { Clip } from './clip.ts';
import { readFollowed } from './followed.ts';

export interface NamedJob {
  readonly label: string;
  readonly jobId: JobId;
  readonly job: AcceptedJob;
  /** @default as the store keeps it */
  readonly request?: RenderSpec;
}

/** Of one job, in the order of its panels; the last is the result. */
export interface JobClips {
  readonly before: readonly Clip[];
  readonly result: Clip;
}

/** The job's cuts between frames that it shows, counted from the first of these. */
function shownCuts({ cuts = [], ...job }: AcceptedJob): readonly number[] {
  const { start, count } = wantedFrames(job);
  return cuts.map((cut) => cut - start).filter((cut) => cut > 0 && cut < count);
}

/** Reads jobs one after the other. */
export class JobClipReader {
  readonly #store: Store;
  /** Panels that were read, by the tasks that made them. */
  readonly #seen = new Set<string>();
  readonly #called = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Panels that an earlier job had too are left out. @throws data-loss — frames of it are not in the store any more */
  async read(named: NamedJob): Promise<JobClips> {
    const { label, jobId, job } = named;
    const parts = panelParts(job, 'comparison');
    const request = named.request ?? (await readRequest(this.#store, jobId));
    const framesPerSecond = job.outputs[0]?.framesPerSecond ?? 8;
    const pictures = new Map<string, readonly RgbImage[]>();
    for (const [role, of] of Object.entries(parts)) pictures.set(role, await this.#read(jobId, of));
    const cuts = shownCuts(job);
    const followed = await this.#orLost(jobId, readFollowed(this.#store, job));
    const clipOf = (panel: string, own: Partial<Clip>): Clip => ({
      label,
      framesPerSecond,
      frames: pictures.get(panel) ?? [],
      kind: 'measured',
      prompt: job.prompt,
      ...(cuts.length > 0 && { cuts }),
      ...followed[panel === 'generated' ? 'generated' : 'smoothed'],
      origin: { job: jobId, panel, ...(request === undefined ? {} : { request }) },
      ...own,
    });
    const before = Object.entries(PANEL_LABELS).flatMap(([panel, called]): Clip[] => {
      const own = parts[panel];
      if (panel === 'smoothed' || own === undefined || !this.#isNew(own)) return [];
      const kind = panel === 'generated' ? 'measured' : 'shown';
      const unlike = this.#called.has(called) ? `${called}, ${label}` : called;
      this.#called.add(called);
      return [clipOf(panel, { label: unlike, kind })];
    });
    return { before, result: clipOf('smoothed', {}) };
  }

  #isNew(parts: readonly InputPart[]): boolean {
    const key = JSON.stringify(parts);
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  #read(jobId: JobId, parts: readonly InputPart[]): Promise<readonly RgbImage[]> {
    return this.#orLost(jobId, readParts(this.#store, parts));
  }

  async #orLost<T>(jobId: JobId, reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (error.code !== 'data-loss') throw error;
      throw new BivdiffError(
        'data-loss',
        `job ${jobId.slice(0, 12)}: its frames are not all in the store any more`,
        { hint: 'Render it again: what is there is reused.', cause: error },
      );
    }
  }
}
