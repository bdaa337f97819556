// Asks a farm whether it would take a render, before anything of it is uploaded: a source may be hours of video.

import { BivdiffError } from '../../common/errors.ts';
import type { CheckSpecRequest } from '../../common/gen/bivdiff/v1/render_service.ts';
import { contentsOf } from '../../common/problems.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { draftProblems } from '../../coordinator/domain/accept.ts';
import { unnamedSource } from '../../coordinator/domain/check-sources.ts';
import type { SeenSource } from '../../coordinator/domain/check-sources.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { RequestLook } from '../farm.ts';
import { exitCodeOf, EXIT_USAGE } from '../output/exit-codes.ts';
import { lookAtSources } from '../request/look-at-sources.ts';
import type { SeenSources } from '../request/look-at-sources.ts';
import type { RequestDraft } from '../request/render-request.ts';
import { problemsOfError, problemsOfTexts } from '../request/request-problems.ts';
import type { RequestProblem } from '../request/request-problems.ts';
import type { FarmClient } from './farm-client.ts';
import { specMessage } from './spec-message.ts';

type Seen = Awaited<ReturnType<MediaService['probe']>>;
type SeenMessage = CheckSpecRequest['sources'][number];

/** Looks at each source once, however many renders are of it. Dispose of it when done. */
export class FirstLook implements RequestLook, AsyncDisposable {
  readonly #media = createMediaService();
  readonly #seen = new Map<string, Promise<Seen>>();
  readonly #farm: Pick<FarmClient, 'checkSpec'>;

  constructor(farm: Pick<FarmClient, 'checkSpec'>) {
    this.#farm = farm;
  }

  /** What shows in the sources, and what the farm says of the rest; of a request of which all is known that is `check`'s. */
  async problemsOf({
    request: { spec },
    unknown,
  }: Pick<RequestDraft, 'request' | 'unknown'>): Promise<readonly RequestProblem[]> {
    const seen = await lookAtSources({ spec, unknown }, (path) => this.#see(path));
    if (unknown.length === 0 && seen.problems.length === 0) return [];
    const sources = Object.entries(seen.sources).map(
      ([name, one]) => [name, unnamedSource(one)] as const,
    );
    const found = draftProblems({
      ...{ spec, unknown: spec.cuts === 'auto' ? [...unknown, 'cuts'] : unknown },
      source: seen.source && unnamedSource(seen.source),
      sources: Object.fromEntries(sources),
    });
    const problems = [...seen.problems, ...problemsOfTexts(found)];
    await this.#ask(spec, { unknown, seen, problems });
    return problems;
  }

  /** Adds what the farm says, if it can be asked: what is known already is told without it too. */
  async #ask(spec: RenderSpec, { unknown, seen, problems }: Asked): Promise<void> {
    const { source, sources, unread } = seen;
    const left = [...unknown, ...unread.map(contentsOf)];
    try {
      await this.#farm.checkSpec({
        ...{ protocol: PROTOCOL_VERSION, spec: specMessage(spec), priority: 0, unknown: left },
        source: source && messageOf('', source),
        sources: Object.entries(sources).map(([name, one]) => messageOf(name, one)),
      });
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (exitCodeOf(error) === EXIT_USAGE) problems.push(...problemsOfError(error));
    }
  }

  /** @throws BivdiffError — a source cannot be read, or the farm would refuse the render */
  async check(spec: RenderSpec, priority: number): Promise<void> {
    const source = await this.#message('', spec.input.path);
    const sources: SeenMessage[] = [];
    for (const { name, path } of furtherSources(spec)) {
      sources.push(await this.#message(name, path));
    }
    const protocol = PROTOCOL_VERSION;
    const message = { protocol, spec: specMessage(spec), priority, source, sources, unknown: [] };
    await this.#farm.checkSpec(message);
  }

  async #message(name: string, path: string): Promise<SeenMessage> {
    return messageOf(name, await this.#see(path));
  }

  #see(path: string): Promise<Seen> {
    const looking = this.#seen.get(path) ?? this.#media.probe(path);
    this.#seen.set(path, looking);
    return looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#media.close();
  }
}

interface Asked {
  readonly unknown: readonly string[];
  readonly seen: SeenSources;
  readonly problems: RequestProblem[];
}

function messageOf(
  name: string,
  { frames, width, height, alpha, sound }: Omit<SeenSource, 'path'>,
): SeenMessage {
  return {
    ...{ name, frames, width, height, alpha },
    sound: sound && { steadyRate: undefined, ...sound },
  };
}
