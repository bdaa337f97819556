// Compressed frames on their way into a container: kept in a file beside the target until all are there, since
// a container's index goes in front and has to know every size.

import { open, rm, type FileHandle } from 'node:fs/promises';

export interface SampleFacts {
  readonly bytes: number;
  readonly key: boolean;
}

/** Append, then read back in order, then dispose, which removes the file. */
export class SampleSpool implements AsyncDisposable {
  readonly samples: SampleFacts[] = [];
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<SampleSpool> {
    return new SampleSpool(path, await open(path, 'wx+'));
  }

  async append(data: Uint8Array, key: boolean): Promise<void> {
    await this.#file.appendFile(data);
    this.samples.push({ bytes: data.length, key });
  }

  async *read(): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (const { bytes } of this.samples) {
      const data = new Uint8Array(bytes);
      await this.#file.read(data, 0, bytes, at);
      at += bytes;
      yield data;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
