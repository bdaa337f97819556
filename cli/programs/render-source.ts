// The sources of Renders: below the folder of sources, whose bytes go into the store, or there already.

import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';

import { digestText, isDigest } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { pictureNames, putSource } from '../../common/sources/source.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import type { Digest } from '../../common/task.ts';
import type { RenderSource } from '../../coordinator/kubernetes/renders/resource.ts';

/** So long a source that was read is not read again: putting it again is what tells the store that somebody still wants it. */
const KNOWN_MS = 3_600_000;
/** Of Renders that are gone some may stay; each is some hundred bytes. */
const KNOWN_MAX = 10_000;
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i;

/** One source of a Render. */
export interface AskedSource {
  readonly uid: string;
  /** Of the resource: `source`, or `sources.mask`. */
  readonly field: string;
  readonly named: RenderSource;
}

export interface FoundSource {
  readonly source: StoredSource;
  /** What errors call it. */
  readonly path: string;
  /** It lay on our disk: nobody's upload is meant. */
  readonly isOurs: boolean;
}

export interface SourcePlaces {
  readonly store: Pick<Store, 'putArtifact' | 'putArtifactFile' | 'hasArtifact'>;
  /** Absent: no path can be given. */
  readonly folder?: string | undefined;
  /** Of a file, as of an uploaded one. */
  readonly bytesMax: number;
}

/** What was read of a Render's source. */
interface Known {
  readonly mark: Digest;
  readonly source: StoredSource;
  readonly readMs: number;
}

export class RenderSources {
  readonly #places: SourcePlaces;
  /** By uid and field; what was read longest ago first. */
  readonly #known = new Map<string, Known>();

  constructor(places: SourcePlaces) {
    this.#places = places;
  }

  /**
   * Reads what a path names, unless it has for this Render and nothing of it has changed since.
   * @throws not-found — nothing is there (yet); invalid-argument — it is none, or leads out of the folder; resource-exhausted — it is too large;
   * unavailable — it changes while it is read; cancelled — when the signal aborts
   */
  async find({ uid, field, named }: AskedSource, signal: AbortSignal): Promise<FoundSource> {
    if (!('path' in named)) return uploaded(named, field);
    const { path } = named;
    const found = { path: basename(path), isOurs: true };
    const place = { path, field: `${field}.path` };
    const { real, mark } = await this.#look(place, signal);
    const key = `${uid} ${field}`;
    const known = this.#known.get(key);
    if (known !== undefined && (await this.#isStill(known, mark))) {
      return { ...found, source: known.source };
    }
    const source = await putSource(this.#places.store, real, { signal });
    if ((await this.#look(place, signal)).mark !== mark) {
      throw new BivdiffError('unavailable', `${place.field}: ${path} changes while it is read`);
    }
    this.#remember(key, { mark, source, readMs: performance.now() });
    return { ...found, source };
  }

  /** Reads all of a Render's the next time, whatever was read. */
  forget(uid: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(`${uid} `)) this.#known.delete(key);
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX) this.#known.delete(oldest!);
  }

  async #isStill({ mark, source, readMs }: Known, now: Digest): Promise<boolean> {
    if (mark !== now || performance.now() > readMs + KNOWN_MS) return false;
    return this.#places.store.hasArtifact(source.digest);
  }

  /** Opens nothing. `mark` is another when a file of it is. */
  async #look(
    place: Place,
    signal: AbortSignal,
  ): Promise<{ readonly real: string; readonly mark: Digest }> {
    const { folder } = this.#places;
    const { path, field } = place;
    // Definitions before did not refuse them.
    if (ADDRESS.test(path)) {
      throw wrong(`${field}: ${path}: addresses are not taken`, uploadIt(field));
    }
    if (folder === undefined) {
      const hint = `Whoever operates it mounts one with renders.sources of the chart; or: ${uploadIt(field)}`;
      throw wrong(`${field}: this farm has no folder of sources`, hint);
    }
    const real = await realPath(join(folder, path), place);
    const root = await realPath(folder, { field, path: 'the folder of sources' });
    checkBelow(root, real, place);
    const facts = await stat(real, { bigint: true });
    if (!facts.isDirectory()) {
      this.#checkSize(facts, place);
      return { real, mark: markOf([factsText(real, facts)]) };
    }
    const texts = [real];
    for (const name of await pictureNames(real)) {
      signal.throwIfAborted();
      const of = { field, path: `${path}/${name}` };
      // A link among its pictures may lead anywhere.
      const picture = await realPath(join(real, name), of);
      checkBelow(root, picture, of);
      const ofPicture = await stat(picture, { bigint: true });
      this.#checkSize(ofPicture, of);
      texts.push(factsText(name, ofPicture));
    }
    return { real, mark: markOf(texts) };
  }

  #checkSize({ size }: BigIntStats, { field, path }: Place): void {
    const { bytesMax } = this.#places;
    if (size <= bytesMax) return;
    const message = `${field}: ${path} has ${size} bytes, and a file may have ${bytesMax} at most`;
    throw new BivdiffError('resource-exhausted', message, {
      retry: 'never',
      hint: 'Make it smaller, or ask whoever operates the farm for a higher limit (uploadBytes).',
    });
  }
}

/** A path, and the field that has it. */
interface Place {
  readonly path: string;
  readonly field: string;
}

function uploadIt(field: string): string {
  const source = field.replace(/\.path$/, '');
  return `Upload it with bivdiff upload, and give its digest as ${source}.video or ${source}.folder.`;
}

function uploaded(
  named: Exclude<RenderSource, { readonly path: string }>,
  field: string,
): FoundSource {
  const [kind, digest] =
    'video' in named ? (['video', named.video] as const) : (['folder', named.folder] as const);
  if (!isDigest(digest)) throw wrong(`${field}.${kind}: expected a SHA-256, 64 hex digits`);
  return { source: { kind, digest }, path: digest, isOurs: false };
}

/** A file that was written to, or put in its place, has other ones. */
function factsText(name: string, { ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [name, ino, size, mtimeNs, ctimeNs].join('\0');
}

function markOf(texts: readonly string[]): Digest {
  return digestText(texts.join('\n'));
}

async function realPath(at: string, { field, path }: Place): Promise<string> {
  return realpath(at).catch((reason: unknown) => {
    const { code } = BivdiffError.from(reason);
    const message = `${field}: ${path}: ${code === 'not-found' ? 'there is no such file or folder' : BivdiffError.from(reason).message}`;
    throw new BivdiffError(code, message, { cause: reason });
  });
}

function checkBelow(root: string, real: string, { field, path }: Place): void {
  const way = relative(root, real);
  if (way !== '..' && !way.startsWith(`..${sep}`)) return;
  throw wrong(`${field}: ${path} leads out of the folder of sources`);
}

function wrong(message: string, hint?: string): BivdiffError {
  return new BivdiffError('invalid-argument', message, hint === undefined ? {} : { hint });
}
