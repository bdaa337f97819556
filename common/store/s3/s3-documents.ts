// Named documents on S3. What S3 has acknowledged is durable, so there is nothing to sync.

import { digestBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import { decodeDocument, encodeDocument } from '../envelope.ts';
import type { DocumentKind, DocumentName } from '../ports.ts';
import type { Bucket } from './bucket.ts';
import { DOCUMENT_SUFFIX, documentKey, documentPrefix } from './keys.ts';
import { moveAside } from './quarantine.ts';

/** Each further try means that another process changed the same document in between; twice is already odd. */
const TRIES_MAX = 8;

export class S3Documents {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async put(name: DocumentName, bytes: Uint8Array): Promise<'created' | 'exists'> {
    const encoded = encodeDocument(bytes);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (await this.#bucket.putIfAbsent(documentKey(name), encoded)) return 'created';
      if ((await this.get(name)) !== undefined) return 'exists';
    }
    throw new BivdiffError('aborted', `document ${name.kind}/${name.id}: others keep changing it`, {
      hint: `Look whether something else writes into ${this.#bucket.address.url}.`,
    });
  }

  async get(name: DocumentName): Promise<Uint8Array | undefined> {
    return (await this.#read(name)).bytes;
  }

  /** False if it was damaged, and is aside now. Absent counts as sound. */
  async isSound(name: DocumentName): Promise<boolean> {
    return !(await this.#read(name)).wasDamaged;
  }

  /** Sorted by id. */
  async list(kind: DocumentKind, prefix: string): Promise<readonly DocumentName[]> {
    const names: DocumentName[] = [];
    for await (const batch of this.#bucket.list(documentPrefix(kind) + prefix)) {
      for (const { name } of batch) {
        if (!name.endsWith(DOCUMENT_SUFFIX)) continue;
        names.push({ kind, id: prefix + name.slice(0, -DOCUMENT_SUFFIX.length) });
      }
    }
    // Keys are sorted with their suffix, which comes after "-" and before letters.
    return names.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async delete(name: DocumentName): Promise<void> {
    await this.#bucket.delete(documentKey(name));
  }

  async #read(name: DocumentName): Promise<{ bytes?: Uint8Array; wasDamaged: boolean }> {
    const key = documentKey(name);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await this.#bucket.get(key);
      if (found === undefined) return { wasDamaged: false };
      const bytes = decodeDocument(found.bytes);
      if (bytes !== undefined) return { bytes, wasDamaged: false };
      const label = `document.${name.kind}.${name.id.replaceAll('/', '.').slice(0, 100)}`;
      const content = digestBytes(found.bytes);
      if (await moveAside(this.#bucket, { key, label, facts: found.facts, content })) {
        return { wasDamaged: true };
      }
    }
    return { wasDamaged: false };
  }
}
