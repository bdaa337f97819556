// A ZIP of stored (not compressed) files with fixed times, so that equal files give equal bytes. PKWARE APPNOTE 6.3.

import { crc32 } from 'node:zlib';
import { BivdiffError } from '../../../common/errors.ts';

/** 1980-01-01, the format's first day. */
const DOS_DATE = 0x21;
/** Without the ZIP64 extension. */
const ZIP_BYTES_MAX = 0xffff_0000;
const ZIP_FILES_MAX = 0xffff;

/** Add files, then finish once. `write` is awaited, in order. */
export class ZipWriter {
  /** Written so far. */
  bytes = 0;
  readonly #write: (data: Uint8Array) => Promise<void>;
  readonly #directory: Buffer[] = [];

  constructor(write: (data: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** @throws resource-exhausted — more than 65,535 files or 4 GiB */
  async add(name: string, data: Uint8Array): Promise<void> {
    if (this.#directory.length >= ZIP_FILES_MAX || this.bytes + data.length > ZIP_BYTES_MAX) {
      throw new BivdiffError('resource-exhausted', 'a ZIP holds at most 65,535 files and 4 GiB', {
        retry: 'never',
        hint: 'Write the PNG sequence into a folder, or choose mp4.',
      });
    }
    const title = Buffer.from(name, 'utf8');
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x0800, 2); // names are UTF-8
    facts.writeUInt16LE(DOS_DATE, 8);
    facts.writeUInt32LE(crc32(data), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(data.length, 18);
    facts.writeUInt16LE(title.length, 22);
    const at = Buffer.alloc(14);
    at.writeUInt32LE(this.bytes, 10);
    const made = Buffer.from([20, 0]);
    this.#directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), made, facts, at, title]));
    await this.#put(Buffer.concat([Buffer.from('PK\x03\x04'), facts, title, data]));
  }

  async finish(): Promise<void> {
    const directory = Buffer.concat(this.#directory);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(this.#directory.length, 8);
    end.writeUInt16LE(this.#directory.length, 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(this.bytes, 16);
    await this.#put(Buffer.concat([directory, end]));
  }

  async #put(data: Uint8Array): Promise<void> {
    await this.#write(data);
    this.bytes += data.length;
  }
}
