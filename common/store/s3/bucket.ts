// The few operations of S3 that the store is made of, each with its common failure as a value. Knows nothing of what the
// objects are.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';

import { digestLongBytes } from '../../digest.ts';
import { BivdiffError } from '../../errors.ts';
import type { Digest } from '../../task.ts';
import { readBody } from './body.ts';
import type { S3Address } from './s3-address.ts';
import { attemptsOf, isFull, s3Failure, statusOf } from './s3-failure.ts';

/** What S3 copies in one request. */
export const COPY_BYTES_MAX = 5 * 2 ** 30;
/** Writers of one key get in each other's way for a moment only. */
const CONFLICT_TRIES = 6;
const CONFLICT_WAIT_MS = 20;
/** A connection that breaks in mid-answer is no longer the client's to retry. */
const READ_TRIES = 3;

const PUT = 'put';

export interface ObjectFacts {
  readonly bytes: number;
  /** By the server's clock, whole seconds. */
  readonly changedMs: number;
  readonly etag: string;
  /** Which put made it: two objects of the same bytes differ in this. Empty if it was not one of ours. */
  readonly put: string;
}

/** To be read once. What breaks it is told as one of our errors, so that nobody takes it for his own. */
export interface OpenObject {
  readonly facts: ObjectFacts;
  readonly body: AsyncIterable<Uint8Array>;
}

interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** As HTTP has it. @default all of it */
  readonly range?: string;
}

export interface ListedObject {
  /** What follows the prefix that was listed. */
  readonly name: string;
  readonly bytes: number;
  readonly changedMs: number;
}

export class Bucket {
  readonly client: S3Client;
  readonly address: S3Address;

  constructor(client: S3Client, address: S3Address) {
    this.client = client;
    this.address = address;
  }

  /** The parameters that name an object in every request. */
  place(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.address.bucket, Key: this.address.prefix + key };
  }

  /**
   * False if something of that name is there. The server checks what arrives against the SHA-256.
   */
  async putIfAbsent(
    key: string,
    bytes: Uint8Array,
    options: { readonly digest?: Digest; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<boolean> {
    const digest = options.digest ?? (await digestLongBytes(bytes));
    const command = new PutObjectCommand({
      ...this.place(key),
      Body: bytes,
      IfNoneMatch: '*',
      ChecksumSHA256: base64Of(digest),
      Metadata: newPut(),
    });
    const failure = await unlessTaken(() => this.client.send(command, abortable(options.signal)));
    if (failure === undefined) return true;
    // The answer to an earlier attempt may have been lost on its way: then what is there is ours.
    if (attemptsOf(failure) === 1) return false;
    const found = await this.get(key);
    return found !== undefined && Buffer.compare(found.bytes, bytes) === 0;
  }

  /** Takes the place of what is there. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.client.send(new PutObjectCommand({ ...this.place(key), Body: bytes }));
  }

  async head(key: string): Promise<ObjectFacts | undefined> {
    return unlessMissing(async () =>
      factsOf(await this.client.send(new HeadObjectCommand(this.place(key)))),
    );
  }

  /** The whole object, in memory of its own. */
  async get(
    key: string,
  ): Promise<{ readonly facts: ObjectFacts; readonly bytes: Uint8Array } | undefined> {
    return this.read(key, async ({ facts, body }) => ({
      facts,
      bytes: await readBody(body, facts.bytes),
    }));
  }

  /** So many of its bytes from an offset on, fewer at its end, none beyond. Undefined if it is not there. */
  async getRange(key: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    const range = `bytes=${offset}-${offset + length - 1}`;
    return this.read(key, ({ facts, body }) => readBody(body, facts.bytes), { range });
  }

  /**
   * Lets `use` read the object piece by piece; again from its beginning, a few times, where the connection breaks. Undefined
   * if it is not there.
   */
  async read<T>(
    key: string,
    use: (object: OpenObject) => Promise<T>,
    options: ReadOptions = {},
  ): Promise<T | undefined> {
    for (let tries = 1; ; tries++) {
      const opened = await this.#open(key, options);
      if (opened === undefined) return undefined;
      try {
        return await use(opened);
      } catch (reason) {
        const isBroken = reason instanceof BivdiffError && reason.code === 'unavailable';
        if (!isBroken || tries === READ_TRIES) throw reason;
      }
    }
  }

  async #open(key: string, { signal, range }: ReadOptions): Promise<OpenObject | undefined> {
    try {
      const command = new GetObjectCommand({
        ...this.place(key),
        ...(range === undefined ? {} : { Range: range }),
      });
      const answer = await unlessMissing(() => this.client.send(command, abortable(signal)));
      if (answer === undefined) return undefined;
      return {
        facts: factsOf(answer),
        body: this.#body(key, answer.Body as AsyncIterable<Uint8Array>),
      };
    } catch (reason) {
      // The range begins at its end.
      if (statusOf(reason) === 416) return { facts: factsOf({}), body: nothing() };
      throw s3Failure(reason, this.address.url, { doing: `reading ${key}` });
    }
  }

  async *#body(key: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) yield chunk;
    } catch (reason) {
      throw s3Failure(reason, this.address.url, { doing: `reading ${key}` });
    }
  }

  /** - `gone`: nothing is there  - `changed`: it is not the one with that etag any more  - `full`: there is no room */
  async copy(
    from: string,
    to: string,
    options: { readonly ifMatch?: string } = {},
  ): Promise<'copied' | 'gone' | 'changed' | 'full'> {
    const { Bucket, Key } = this.place(from);
    const command = new CopyObjectCommand({
      ...this.place(to),
      CopySource: `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`,
      ...(options.ifMatch === undefined ? {} : { CopySourceIfMatch: options.ifMatch }),
    });
    try {
      await retryConflicts(() => this.client.send(command));
      return 'copied';
    } catch (reason) {
      if (isMissing(reason)) return 'gone';
      if (statusOf(reason) === 412) return 'changed';
      if (isFull(reason)) return 'full';
      throw reason;
    }
  }

  /** False if it is not the one with that etag any more; a server that knows no such condition deletes it all the same. */
  async delete(key: string, options: { readonly ifMatch?: string } = {}): Promise<boolean> {
    const command = new DeleteObjectCommand({
      ...this.place(key),
      ...(options.ifMatch === undefined ? {} : { IfMatch: options.ifMatch }),
    });
    try {
      await retryConflicts(() => this.client.send(command));
      return true;
    } catch (reason) {
      if (isMissing(reason)) return true;
      if (statusOf(reason) === 412) return false;
      throw reason;
    }
  }

  /** In batches of up to a thousand, sorted by key. */
  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    const { Bucket, Key } = this.place(prefix);
    let token: string | undefined;
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({ Bucket, Prefix: Key, ContinuationToken: token }),
      );
      yield (page.Contents ?? []).map((object) => ({
        name: (object.Key ?? '').slice(Key.length),
        bytes: object.Size ?? 0,
        changedMs: object.LastModified?.getTime() ?? 0,
      }));
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }
}

/** Metadata for an object that is put now. */
export function newPut(): Record<string, string> {
  return { [PUT]: randomBytes(8).toString('hex') };
}

export function base64Of(digest: Digest): string {
  return Buffer.from(digest, 'hex').toString('base64');
}

export function abortable(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** The failure, if it says that a condition did not hold. */
export async function unlessTaken(send: () => Promise<unknown>): Promise<unknown> {
  try {
    await retryConflicts(send);
    return undefined;
  } catch (reason) {
    if (statusOf(reason) === 412) return reason;
    throw reason;
  }
}

/** 409 is a server's word for "others are at it, try again". */
async function retryConflicts(send: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await send();
      return;
    } catch (reason) {
      if (statusOf(reason) !== 409 || tries === CONFLICT_TRIES) throw reason;
      await delay(CONFLICT_WAIT_MS * 2 ** tries);
    }
  }
}

async function unlessMissing<T>(send: () => Promise<T>): Promise<T | undefined> {
  try {
    return await send();
  } catch (reason) {
    if (isMissing(reason)) return undefined;
    throw reason;
  }
}

/** A bucket that is missing is a failure, not an absent object; only a HEAD cannot tell. */
function isMissing(reason: unknown): boolean {
  return statusOf(reason) === 404 && (reason as Error).name !== 'NoSuchBucket';
}

function factsOf(answer: {
  readonly ContentLength?: number | undefined;
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}): ObjectFacts {
  return {
    bytes: answer.ContentLength ?? 0,
    changedMs: answer.LastModified?.getTime() ?? 0,
    etag: answer.ETag ?? '',
    put: answer.Metadata?.[PUT] ?? '',
  };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  // No pieces.
}
