// Asks a farm whether it would take a render, before anything of it is uploaded: a source may be hours of video.

import type { CheckSpecRequest } from '../../common/gen/bivdiff/v1/render_service.ts';
import { PROTOCOL_VERSION } from '../../common/protocol-version.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { FarmClient } from './farm-client.ts';
import { specMessage } from './spec-message.ts';

type Seen = Awaited<ReturnType<MediaService['probe']>>;
type SeenMessage = CheckSpecRequest['sources'][number];

/** Looks at each source once, however many renders are of it. Dispose of it when done. */
export class FirstLook implements AsyncDisposable {
  readonly #media = createMediaService();
  readonly #seen = new Map<string, Promise<Seen>>();
  readonly #farm: Pick<FarmClient, 'checkSpec'>;

  constructor(farm: Pick<FarmClient, 'checkSpec'>) {
    this.#farm = farm;
  }

  /** @throws BivdiffError — a source cannot be read, or the farm would refuse the render */
  async check(spec: RenderSpec, priority: number): Promise<void> {
    const source = await this.#look('', spec.input.path);
    const sources: SeenMessage[] = [];
    for (const { name, path } of furtherSources(spec)) sources.push(await this.#look(name, path));
    const protocol = PROTOCOL_VERSION;
    await this.#farm.checkSpec({ protocol, spec: specMessage(spec), priority, source, sources });
  }

  async #look(name: string, path: string): Promise<SeenMessage> {
    const looking = this.#seen.get(path) ?? this.#media.probe(path);
    this.#seen.set(path, looking);
    const { frames, width, height, alpha, sound } = await looking;
    return {
      name,
      frames,
      width,
      height,
      alpha,
      sound: sound && { steadyRate: undefined, ...sound },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#media.close();
  }
}
