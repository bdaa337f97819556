// The source of a Render: below the folder of sources, whose bytes go into the store, or there already.

import { realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';

import { isDigest } from '../../common/digest.ts';
import { BivdiffError } from '../../common/errors.ts';
import { pictureNames, putSource } from '../../common/sources/source.ts';
import type { StoredSource } from '../../common/sources/source.ts';
import type { Store } from '../../common/store/ports.ts';
import type { RenderSource } from '../../coordinator/kubernetes/renders/resource.ts';

export interface FoundSource {
  readonly source: StoredSource;
  /** What errors call it. */
  readonly path: string;
  /** It lay on our disk: nobody's upload is meant. */
  readonly isOurs: boolean;
}

export interface SourcePlaces {
  readonly store: Pick<Store, 'putArtifact' | 'putArtifactFile'>;
  /** Absent: no path can be given. */
  readonly sources?: string | undefined;
}

/** @throws not-found — nothing is there (yet); invalid-argument — it is none, or leads out of the folder; failed-precondition — there is no folder */
export async function findSource(
  named: RenderSource,
  { store, sources }: SourcePlaces,
): Promise<FoundSource> {
  if (!('path' in named)) {
    const [kind, digest] =
      'video' in named ? (['video', named.video] as const) : (['folder', named.folder] as const);
    if (!isDigest(digest)) throw wrong(`source.${kind}: expected a SHA-256, 64 hex digits`);
    return { source: { kind, digest }, path: digest, isOurs: false };
  }
  const { path } = named;
  if (sources === undefined) {
    throw new BivdiffError('invalid-argument', 'source.path: this farm has no folder of sources', {
      hint: 'Whoever operates it mounts one with renders.sources of the chart; or upload the source, and give its digest as source.video.',
    });
  }
  const real = await realPath(join(sources, path), path);
  const root = await realPath(sources, 'the folder of sources');
  checkBelow(root, real, path);
  if ((await stat(real)).isDirectory()) {
    // A link among its pictures may lead anywhere.
    for (const name of await pictureNames(real)) {
      checkBelow(root, await realPath(join(real, name), name), `${path}/${name}`);
    }
  }
  return { source: await putSource(store, real), path: basename(path), isOurs: true };
}

async function realPath(place: string, named: string): Promise<string> {
  return realpath(place).catch((reason: unknown) => {
    const { code } = BivdiffError.from(reason);
    const message = `source.path: ${named}: ${code === 'not-found' ? 'there is no such file or folder' : BivdiffError.from(reason).message}`;
    throw new BivdiffError(code, message, { cause: reason });
  });
}

function checkBelow(root: string, real: string, named: string): void {
  const way = relative(root, real);
  if (way !== '..' && !way.startsWith(`..${sep}`)) return;
  throw wrong(`source.path: ${named} leads out of the folder of sources`);
}

function wrong(message: string): BivdiffError {
  return new BivdiffError('invalid-argument', message);
}
