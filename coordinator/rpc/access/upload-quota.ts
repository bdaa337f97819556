// What each owner of jobs may have in the store by uploads: counted from what the owner has brought, and what is on its way.

import { BivdiffError } from '../../../common/errors.ts';
import type { DocumentName, Store } from '../../../common/store/ports.ts';
import type { Digest } from '../../../common/task.ts';
import { mapBounded } from '../../map-bounded.ts';

/** On S3 each is a round trip. */
const READS_AT_ONCE = 32;
/** Looking whether what was brought is still there reads much: whoever keeps trying gets the last answer. */
const LOOK_AGAIN_MS = 60_000;

export interface UploadQuotaOptions {
  readonly store: Store;
  readonly bytesMax: number;
  /** @default performance.now */
  readonly nowMs?: () => number;
}

interface Account {
  /** Brought, as far as the store still had it when it was last looked. */
  bytes: number;
  /** On their way. */
  pendingBytes: number;
  lookedMs: number;
}

/** An upload that has begun. */
export interface CountedUpload {
  /** @throws resource-exhausted — with so many more bytes the owner would have too much */
  take(bytes: number): Promise<void>;
  /** It is over; `isNew`: what it brought is the owner's from now on, and was not before. */
  end(isNew: boolean): void;
}

export class UploadQuota {
  readonly #options: UploadQuotaOptions;
  readonly #accounts = new Map<string, Promise<Account>>();

  constructor(options: UploadQuotaOptions) {
    this.#options = options;
  }

  async begin(owner: string): Promise<CountedUpload> {
    const account = await this.#accountOf(owner);
    let bytes = 0;
    return {
      take: async (more) => {
        account.pendingBytes += more;
        bytes += more;
        await this.#check(owner, account);
      },
      end: (isNew) => {
        account.pendingBytes -= bytes;
        if (isNew) account.bytes += bytes;
        bytes = 0;
      },
    };
  }

  async #check(owner: string, account: Account): Promise<void> {
    const { bytesMax } = this.#options;
    const isTooMuch = (): boolean => account.bytes + account.pendingBytes > bytesMax;
    if (!isTooMuch()) return;
    const nowMs = this.#nowMs();
    if (nowMs - account.lookedMs >= LOOK_AGAIN_MS) {
      account.lookedMs = nowMs;
      account.bytes = await this.#look(owner, { forgetLost: true });
    }
    if (!isTooMuch()) return;
    throw new BivdiffError(
      'resource-exhausted',
      `${owner} would have more than ${bytesMax} bytes of uploads in the store`,
      {
        retry: 'never',
        hint: 'Delete jobs that are over, and have whoever operates the farm collect garbage (store gc), or allow more (ownerBytes).',
      },
    );
  }

  #accountOf(owner: string): Promise<Account> {
    const known = this.#accounts.get(owner);
    if (known !== undefined) return known;
    const account = this.#look(owner, { forgetLost: false }).then((bytes) => {
      return { bytes, pendingBytes: 0, lookedMs: -Infinity };
    });
    this.#accounts.set(owner, account);
    account.catch(() => this.#accounts.delete(owner));
    return account;
  }

  /** Adds up what the owner has brought; what is not in the store any more is forgotten if asked for. */
  async #look(owner: string, { forgetLost }: { readonly forgetLost: boolean }): Promise<number> {
    const { store } = this.#options;
    const names = await store.listDocuments('upload', `${owner}/`);
    const sizes = await mapBounded(names, READS_AT_ONCE, async (name) => {
      const digest = name.id.slice(owner.length + 1) as Digest;
      if (forgetLost && !(await store.hasArtifact(digest))) {
        await store.deleteDocument(name);
        return 0;
      }
      return bytesOfUpload(store, name);
    });
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  #nowMs(): number {
    return (this.#options.nowMs ?? (() => performance.now()))();
  }
}

/** Of one that an older coordinator noted the size is not known: it counts as nothing. */
async function bytesOfUpload(store: Store, name: DocumentName): Promise<number> {
  const document = await store.getDocument(name);
  if (document === undefined) return 0;
  const { bytes } = JSON.parse(Buffer.from(document).toString()) as { readonly bytes?: number };
  return bytes ?? 0;
}
