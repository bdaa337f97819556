// Turns specs into jobs, for a coordinator.

import { BivdiffError } from '../../common/errors.ts';
import { nameSource } from '../../common/sources/source-name.ts';
import type { StoredSource, StoredSources } from '../../common/sources/source.ts';
import { numericsKeyOf, STAGE_FACTS } from '../../common/stage-facts.ts';
import type { NumericsClasses } from '../../common/stage-facts.ts';
import type { ModelSet } from '../../common/models/model-set.ts';
import type { WorkerRegistry } from '../../coordinator/dispatch/worker-registry.ts';
import type { Store } from '../../common/store/ports.ts';
import { acceptSpec, draftProblems } from '../../coordinator/domain/accept.ts';
import { unnamedSource } from '../../coordinator/domain/check-sources.ts';
import type { SeenSource, SourceFacts } from '../../coordinator/domain/check-sources.ts';
import { checkMemoryFit } from '../../coordinator/domain/memory-fit.ts';
import type { SeenDraft } from '../../coordinator/rpc/check-spec.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import { furtherSources } from '../../recipes/spec/further-sources.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import { partFactsOf } from '../../workers/inference/onnx/part-facts.ts';
import { createMediaService } from '../../workers/media/media-service.ts';
import type { MediaService } from '../../workers/media/media-service.ts';
import { SourceCache } from '../../workers/stages/source-cache.ts';
import { memoryGibText } from '../output/format.ts';
import { CutFinder } from '../request/cut-finder.ts';
import { lookedAt, problemsOfTexts, refusalOf } from '../request/request-problems.ts';
import type { RequestProblem } from '../request/request-problems.ts';
import { renderWarnings } from '../request/render-warnings.ts';
import { ModelLibrary } from './model-library.ts';
import { ModelPublisher } from './publish-models.ts';

/** Of a worker's lane nothing is known; with one thread a lone frame would need less. */
const THREADS = 2;

export interface AcceptorSettings {
  readonly modelsFolder: string;
  /** Of the jobs that it takes, asked for each. */
  readonly numerics: () => Promise<NumericsClasses>;
  readonly workers: Pick<WorkerRegistry, 'mostMemoryOf'>;
}

/** Looks at the uploaded source in a media process, and at the models. */
export class Acceptor {
  readonly #media: MediaService = createMediaService();
  /** Of its own: it decodes whole clips, and submissions that want none of that shall not wait for it. */
  readonly #decoder: MediaService = createMediaService();
  readonly #cuts = new CutFinder(this.#decoder);
  readonly #sources: SourceCache;
  readonly #models: ModelLibrary;
  readonly #publisher: ModelPublisher;
  readonly #numerics: AcceptorSettings['numerics'];
  readonly #workers: AcceptorSettings['workers'];

  constructor(store: Store, { modelsFolder, numerics, workers }: AcceptorSettings) {
    this.#sources = new SourceCache(store);
    this.#models = new ModelLibrary(modelsFolder);
    this.#numerics = numerics;
    this.#workers = workers;
    this.#publisher = new ModelPublisher(store);
  }

  async accept(
    spec: RenderSpec,
    source: StoredSource,
    sources: StoredSources,
  ): Promise<AcceptedJob> {
    const numerics = await this.#numerics();
    const models = await this.#models.open(spec.models);
    const first = await this.#look(source, spec.input.path, spec);
    const others: Record<string, SourceFacts> = {};
    for (const { name, path } of furtherSources(spec)) {
      others[name] = await this.#look(sources[name]!, path);
    }
    const partOf = partFactsOf(models);
    const job = acceptSpec({ spec, models, source: first, sources: others, numerics, partOf });
    this.#checkMemory(job, models);
    // Before anybody can be given a task of it.
    await this.#publisher.publish(models, job);
    return job;
  }

  /** Of sources that were not uploaded yet: nothing is put anywhere. @throws as `accept` */
  async check(
    spec: RenderSpec,
    source: SeenSource,
    sources: Readonly<Record<string, SeenSource>>,
  ): Promise<AcceptedJob> {
    const problems: RequestProblem[] = [];
    const models = await lookedAt(() => this.#models.open(spec.models), problems);
    const further = Object.entries(sources).map(
      ([name, seen]) => [name, unnamedSource(seen)] as const,
    );
    const seen = { spec, source: unnamedSource(source), sources: Object.fromEntries(further) };
    if (models === undefined) {
      const found = draftProblems({ ...seen, unknown: spec.cuts === 'auto' ? ['cuts'] : [] });
      throw refusalOf([...problems, ...problemsOfTexts(found)]);
    }
    const job = acceptSpec({
      ...{ ...seen, models, numerics: await this.#numerics(), partOf: partFactsOf(models) },
    });
    // Shots that are still to be found may be shorter than the window, and need less.
    if (spec.cuts !== 'auto') this.#checkMemory(job, models);
    return job;
  }

  /** What is wrong with a render of which not all is known. */
  async checkDraft(draft: SeenDraft): Promise<readonly string[]> {
    const { spec, unknown } = draft;
    const problems: RequestProblem[] = [];
    const models = unknown.includes('models')
      ? undefined
      : await lookedAt(() => this.#models.open(spec.models), problems, 'models');
    const found = draftProblems({
      // Nobody has looked for them yet.
      ...{ ...draft, models, unknown: spec.cuts === 'auto' ? [...unknown, 'cuts'] : unknown },
      ...(models && { partOf: partFactsOf(models) }),
    });
    return [...problems.map(({ text }) => text), ...found];
  }

  async warningsOf(spec: RenderSpec, job: AcceptedJob): Promise<readonly string[]> {
    return renderWarnings(job, await this.#models.open(spec.models));
  }

  /** @throws resource-exhausted — workers are there for each task of a stage, and none has the memory for it */
  #checkMemory(job: AcceptedJob, models: ModelSet): void {
    const key = numericsKeyOf(job.numerics);
    checkMemoryFit(job, {
      ...{ partOf: partFactsOf(models), sizeMultiple: models.sizeMultiple, threads: THREADS },
      hasBytes: ({ stage }) => this.#workers.mostMemoryOf(STAGE_FACTS[stage].pool, key),
      ...{ retry: 'other-worker', whose: 'the largest slot of a worker that is there' },
      moreMemory: ({ bytes }) => `a worker with ${memoryGibText(bytes)} for each slot`,
    });
  }

  /** `path`: as its user named it. `spec`: where its cuts may be asked for. */
  async #look(source: StoredSource, path: string, spec?: RenderSpec): Promise<SourceFacts> {
    try {
      await using held = await this.#sources.hold(source);
      const { frames, width, height, alpha, sound } = await this.#media.probe(held.path);
      const facts = { ...source, path, frames, width, height, alpha, sound };
      return spec === undefined
        ? facts
        : await this.#cuts.withCuts(facts, { spec, path: held.path, clip: source.digest });
    } catch (reason) {
      throw nameSource(BivdiffError.from(reason), { source: path });
    }
  }

  async close(): Promise<void> {
    await this.#media.close();
    await this.#decoder.close();
    await this.#sources.close();
  }
}
