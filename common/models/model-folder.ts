// Reads a folder of models into a ModelSet. Layout: `card.json`, and for each model a diffusers pipeline folder with
// ONNX graphs in it (part-places.ts). A graph's weights may lie in files that it names and shares with others.

import { join, resolve } from 'node:path';

import { BivdiffError } from '../errors.ts';
import { readTextFile } from '../files/text-file.ts';
import { parseCard } from './card.ts';
import type { Card, CardVideo, FolderVideo, TemporalVideo } from './card.ts';
import { openFileDigests } from './file-digests.ts';
import type { FileDigestOptions, FileDigests } from './file-digests.ts';
import type {
  Annotator,
  Generator,
  ImageModel,
  ModelPart,
  ModelSet,
  VideoModel,
} from './model-set.ts';
import { openPart } from './open-part.ts';
import type { ModelProblem, PartPlace } from './part-files.ts';
import {
  annotatorPlace,
  generatorPlaces,
  imagePlaces,
  temporalPlace,
  videoPlaces,
} from './part-places.ts';

/** What a folder holds and lacks. */
export interface ModelSetReport {
  /** Absolute path. */
  readonly folder: string;
  /** From the card; absent if that cannot be read. */
  readonly name?: string;
  /** Those whose files are all there, in the order image, videos. */
  readonly parts: readonly ModelPart[];
  /** All of them. Empty exactly if `set` is there. */
  readonly problems: readonly ModelProblem[];
  readonly set?: ModelSet;
}

/**
 * Reads a model set and hashes its files, each once; unchanged files that were hashed before are not read.
 * @throws failed-precondition — the folder is absent or not whole; lists all problems, also in details `problems`
 */
export async function openModelSet(
  folder: string,
  options: FileDigestOptions = {},
): Promise<ModelSet> {
  const report = await inspectModelSet(folder, options);
  if (report.set !== undefined) return report.set;
  const { problems } = report;
  const lines = problems.map(({ part, path, problem }) => `${part}: ${path} ${problem}`);
  const message =
    lines.length === 1
      ? `the model set ${report.folder} cannot be used: ${lines[0]!}`
      : `the model set ${report.folder} has ${String(lines.length)} problems:\n  ${lines.join('\n  ')}`;
  throw new BivdiffError('failed-precondition', message, {
    hint: problems[0]!.hint,
    details: { folder: report.folder, problems },
  });
}

/** What `bivdiff models list` and `check` show. Throws only what reading files throws, never for a bad set. */
export async function inspectModelSet(
  folder: string,
  options: FileDigestOptions = {},
): Promise<ModelSetReport> {
  const root = resolve(folder);
  const read = await readCard(root);
  if ('problem' in read) return { folder: root, parts: [], problems: [read.problem] };
  if ('problems' in read) return { folder: root, parts: [], problems: read.problems };
  const digests = await openFileDigests(options);
  const search = new SetSearch(root, digests);
  const set = await search.read(read.card);
  await digests.save();
  const { parts, problems } = search;
  const found = { folder: root, name: read.card.name, parts, problems };
  return set === undefined ? found : { ...found, set };
}

async function readCard(
  root: string,
): Promise<
  | { readonly card: Card }
  | { readonly problem: ModelProblem }
  | { readonly problems: readonly ModelProblem[] }
> {
  const path = join(root, 'card.json');
  let text: string;
  try {
    text = await readTextFile(path, 'opening it');
  } catch (reason) {
    const { code, message } = BivdiffError.from(reason);
    const what = message.replace(`${path} `, '');
    const problem = code === 'not-found' ? 'is missing' : `cannot be read: ${what}`;
    const hint = 'Is this a folder of models? `bivdiff models list` shows those that ship.';
    return { problem: { part: 'card', path, problem, hint } };
  }
  const parsed = parseCard(text);
  if ('card' in parsed) return parsed;
  const hint = 'Correct card.json; models/demo/card.json is an example.';
  return { problems: parsed.problems.map((problem) => ({ part: 'card', path, problem, hint })) };
}

type WindowSizes = Pick<VideoModel, 'window' | 'windowMax'>;

/** Where diffusers' MotionAdapter says how many frames it knows positions of. */
const POSITIONS = 'motion_max_seq_length';

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}

class SetSearch {
  readonly parts: ModelPart[] = [];
  readonly problems: ModelProblem[] = [];
  readonly #root: string;
  readonly #digests: FileDigests;

  constructor(root: string, digests: FileDigests) {
    this.#root = root;
    this.#digests = digests;
  }

  /** The set, or undefined if there are problems. */
  async read(card: Card): Promise<ModelSet | undefined> {
    const folder = join(this.#root, card.image);
    const image = await this.#readImage(folder);
    const generators = await this.#readGenerators(folder, card, image);
    const annotators = await this.#readAnnotators(folder, card);
    const videos: Record<string, VideoModel> = {};
    for (const [name, said] of Object.entries(card.videos)) {
      const video =
        'folder' in said
          ? await this.#readFolderVideo(name, said)
          : await this.#readTemporalVideo(name, folder, said, image);
      if (video !== undefined) videos[name] = video;
    }
    if (image === undefined || this.problems.length > 0) return undefined;
    const { name, defaultVideo, defaults, sizeMultiple } = card;
    const found = { image, generators, annotators, videos };
    return { name, folder: this.#root, ...found, defaultVideo, defaults, sizeMultiple };
  }

  async #readImage(folder: string): Promise<ImageModel | undefined> {
    const places = imagePlaces(folder);
    const tokenizer = await this.#part(places.tokenizer);
    const textEncoder = await this.#part(places.textEncoder);
    const unet = await this.#part(places.unet);
    const unetInflated = await this.#part(places.unetInflated);
    const vaeEncoder = await this.#part(places.vaeEncoder);
    const vaeDecoder = await this.#part(places.vaeDecoder);
    const scheduler = await this.#part(places.scheduler);
    if (!tokenizer || !textEncoder || !unet || !vaeEncoder || !vaeDecoder || !scheduler) {
      return undefined;
    }
    const needed = { tokenizer, textEncoder, unet, vaeEncoder, vaeDecoder, scheduler };
    return { ...needed, ...(unetInflated === undefined ? {} : { unetInflated }) };
  }

  async #readGenerators(
    folder: string,
    card: Card,
    image: ImageModel | undefined,
  ): Promise<Record<string, Generator>> {
    const generators: Record<string, Generator> = {};
    for (const [name, said] of Object.entries(card.generators)) {
      const { task, method, conditions, mixingRatio, ...named } = said;
      const places = generatorPlaces(name, folder, named);
      const own = async (role: Exclude<keyof typeof places, 'unet'>) =>
        places[role] ? await this.#part(places[role]) : image?.[role];
      const unet = await this.#part(places.unet);
      const tokenizer = await own('tokenizer');
      const textEncoder = await own('textEncoder');
      const scheduler = await own('scheduler');
      const vaeEncoder = await own('vaeEncoder');
      const vaeDecoder = await own('vaeDecoder');
      if (!unet || !tokenizer || !textEncoder || !scheduler || !vaeEncoder || !vaeDecoder) continue;
      generators[name] = {
        ...{ name, task, unet, tokenizer, textEncoder, scheduler, vaeEncoder, vaeDecoder },
        conditions,
        ...(method === undefined ? {} : { method }),
        ...(mixingRatio === undefined ? {} : { mixingRatio }),
      };
    }
    return generators;
  }

  async #readAnnotators(folder: string, card: Card): Promise<Record<string, Annotator>> {
    const annotators: Record<string, Annotator> = {};
    for (const [name, { model, ...how }] of Object.entries(card.annotators)) {
      const part = await this.#part(annotatorPlace(name, folder, model));
      if (part !== undefined) annotators[name] = { ...how, name, model: part };
    }
    return annotators;
  }

  async #readFolderVideo(
    name: string,
    { folder, defaults }: CardVideo & FolderVideo,
  ): Promise<VideoModel | undefined> {
    const places = videoPlaces(name, join(this.#root, folder));
    const tokenizer = await this.#part(places.tokenizer);
    const textEncoder = await this.#part(places.textEncoder);
    const unet = await this.#part(places.unet);
    const scheduler = await this.#part(places.scheduler);
    if (!tokenizer || !textEncoder || !unet) return undefined;
    const windows = this.#windowsOf(unet);
    return (
      windows && { ...{ name, tokenizer, textEncoder, unet, scheduler, defaults }, ...windows }
    );
  }

  async #readTemporalVideo(
    name: string,
    folder: string,
    said: CardVideo & TemporalVideo,
    image: ImageModel | undefined,
  ): Promise<VideoModel | undefined> {
    const unet = await this.#part(temporalPlace(name, folder, said));
    const windows = unet && this.#windowsOf(unet);
    if (!unet || !windows || !image) return undefined;
    const { tokenizer, textEncoder } = image;
    return { ...{ name, tokenizer, textEncoder, unet, defaults: said.defaults }, ...windows };
  }

  /** How many frames a video UNet's passes are of. */
  #windowsOf({ name, config, configFile }: ModelPart): WindowSizes | undefined {
    const window = config['window'];
    const windowMax = config[POSITIONS];
    const note = (problem: string, hint: string): void => {
      this.problems.push({ part: name, path: configFile ?? '', problem, hint });
    };
    if (!isCount(window)) {
      note(
        'has no `window`: the number of frames that one pass was trained on',
        'Add it, say "window": 24 for ZeroScope; `python -m export` writes it.',
      );
      return undefined;
    }
    if (windowMax === undefined || windowMax === null) return { window };
    if (isCount(windowMax) && windowMax >= window) return { window, windowMax };
    note(
      `has ${POSITIONS} ${JSON.stringify(windowMax)}, and a window of ${String(window)} frames`,
      "It must be a whole number of frames, and the window no larger. A motion adapter's own config says it.",
    );
    return undefined;
  }

  async #part(place: PartPlace): Promise<ModelPart | undefined> {
    const part = await openPart(place, { root: this.#root, digests: this.#digests });
    if (part === undefined) return undefined;
    if ('length' in part) {
      this.problems.push(...part);
      return undefined;
    }
    this.parts.push(part);
    return part;
  }
}

/** Every part of a set, each once. */
export function partsOf({ image, generators, annotators, videos }: ModelSet): ModelPart[] {
  const { unetInflated, ...parts } = image;
  const own = Object.values(generators).flatMap((one) => {
    const { unet, tokenizer, textEncoder, scheduler, vaeEncoder, vaeDecoder } = one;
    return [unet, tokenizer, textEncoder, scheduler, vaeEncoder, vaeDecoder];
  });
  const all = [
    ...Object.values(parts),
    ...(unetInflated === undefined ? [] : [unetInflated]),
    ...own,
    ...Object.values(annotators).map(({ model }) => model),
    ...Object.values(videos).flatMap(({ tokenizer, textEncoder, unet, scheduler }) => [
      tokenizer,
      textEncoder,
      unet,
      ...(scheduler === undefined ? [] : [scheduler]),
    ]),
  ];
  return [...new Set(all)];
}
