// Finds the cuts of sources whose specs ask for it, once for each clip: a sweep, or a submission that is checked first, asks several times.

import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { cutSearchOf } from '../../coordinator/domain/cuts.ts';
import type { SourceFacts } from '../../coordinator/domain/check-sources.ts';
import { findCuts } from '../../workers/media/find-cuts.ts';
import type { MediaService } from '../../workers/media/media-service.ts';

/** Clips whose cuts are remembered. */
const KEPT_MAX = 64;

export interface CutsAsked {
  readonly spec: RenderSpec;
  readonly path: string;
  /** Tells the clip from others. */
  readonly clip: string;
  readonly signal?: AbortSignal | undefined;
  /** Told how many frames were looked at, of how many. Of a clip that is looked at already, whoever asked first is told. */
  readonly onFrame?: ((done: number, total: number) => void) | undefined;
}

export class CutFinder {
  readonly #media: Pick<MediaService, 'decode'>;
  readonly #found = new Map<string, Promise<readonly number[]>>();

  constructor(media: Pick<MediaService, 'decode'>) {
    this.#media = media;
  }

  /**
   * The facts of a source that lies at `path`, with its cuts where the spec asks for them.
   * @throws as `MediaService.decode`
   */
  async withCuts(
    facts: SourceFacts,
    { spec, path, clip, signal, onFrame }: CutsAsked,
  ): Promise<SourceFacts> {
    const search = cutSearchOf(spec, facts);
    if (search === undefined) return facts;
    const key = [clip, search.first, search.last].join(' ');
    const options = { onFrame, ...(signal === undefined ? {} : { signal }) };
    const finding =
      this.#found.get(key) ??
      findCuts(this.#media, { path, frames: facts.frames, ...search }, options);
    this.#found.set(key, finding);
    if (this.#found.size > KEPT_MAX) this.#found.delete(this.#found.keys().next().value!);
    try {
      return { ...facts, cuts: await finding };
    } catch (reason) {
      if (this.#found.get(key) === finding) this.#found.delete(key);
      throw reason;
    }
  }
}
