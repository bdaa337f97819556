// What renders in this process read, looked at before anything is written: models, sources and the device.

import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

import { openModelSet } from '../../common/models/model-folder.ts';
import type { ModelSet } from '../../common/models/model-set.ts';
import { draftProblems } from '../../coordinator/domain/accept.ts';
import { unnamedSource } from '../../coordinator/domain/check-sources.ts';
import { openDevice } from '../../workers/inference/device.ts';
import type { Device } from '../../workers/inference/device.ts';
import { partFactsOf } from '../../workers/inference/onnx/part-facts.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import type { FarmOptions, RequestLook } from '../farm.ts';
import { lookAtSources } from '../request/look-at-sources.ts';
import type { RequestDraft } from '../request/render-request.ts';
import { lookedAt, problemsOfTexts } from '../request/request-problems.ts';
import type { RequestProblem } from '../request/request-problems.ts';

type Seen = Awaited<ReturnType<MediaService['probe']>>;
interface Stop {
  readonly signal?: AbortSignal;
}

export class LocalLook implements RequestLook {
  readonly media: MediaService = createMediaService();
  readonly #options: Pick<FarmOptions, 'modelsFolder' | 'device'>;
  readonly #sets = new Map<string, Promise<ModelSet>>();
  readonly #seen = new Map<string, Promise<Seen>>();
  #device: Promise<Device> | undefined;

  constructor(options: Pick<FarmOptions, 'modelsFolder' | 'device'>) {
    this.#options = options;
  }

  async problemsOf(
    { request: { spec }, unknown }: Pick<RequestDraft, 'request' | 'unknown'>,
    options: Stop,
  ): Promise<readonly RequestProblem[]> {
    const problems: RequestProblem[] = [];
    const models = unknown.includes('models')
      ? undefined
      : await lookedAt(() => this.openModels(spec.models), problems, 'models');
    const seen = await lookAtSources({ spec, unknown }, (path) => this.see(path, options));
    problems.push(...seen.problems);
    const sources = Object.entries(seen.sources).map(
      ([name, one]) => [name, unnamedSource(one)] as const,
    );
    const found = draftProblems({
      // Nobody has looked for them yet.
      ...{ spec, unknown: spec.cuts === 'auto' ? [...unknown, 'cuts'] : unknown, models },
      source: seen.source && unnamedSource(seen.source),
      sources: Object.fromEntries(sources),
      ...(models && { partOf: partFactsOf(models) }),
    });
    problems.push(...problemsOfTexts(found));
    await lookedAt(() => this.openDevice(options), problems);
    return problems;
  }

  /** Each source once. @throws as `MediaService.probe` */
  see(path: string, options: Stop): Promise<Seen> {
    const seen = this.#seen.get(path) ?? this.media.probe(path, options);
    this.#seen.set(path, seen);
    return seen;
  }

  /** Each set once. @throws as `openModelSet` */
  openModels(name: string | undefined): Promise<ModelSet> {
    const folder = this.#folderOf(name);
    const set = this.#sets.get(folder) ?? openModelSet(folder);
    this.#sets.set(folder, set);
    return set;
  }

  /** Tried once. @throws as `openDevice` */
  openDevice(options: Stop): Promise<Device> {
    this.#device ??= openDevice(this.#options.device ?? 'cpu', options);
    return this.#device;
  }

  async close(): Promise<void> {
    await this.media.close();
  }

  /** A path, or the name of a shipped set; absent means the demo's. */
  #folderOf(name: string | undefined): string {
    const shipped = join(this.#options.modelsFolder, name ?? 'demo');
    if (name === undefined) return shipped;
    const path = isAbsolute(name) ? name : resolve(name);
    return existsSync(path) || !existsSync(shipped) ? path : shipped;
  }
}
