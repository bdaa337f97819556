// The pictures that a file is made of, in frame order. Each record is read when its pictures are wanted, and let go of after them: a clip of 100,000
// frames would be tens of megabytes of references.

import assert from 'node:assert/strict';

import { BivdiffError } from '../../common/errors.ts';
import type { Store } from '../../common/store/ports.ts';
import type { InputPart } from '../../common/task.ts';
import { resolvePictures } from './artifacts.ts';
import type { PictureRef } from './artifacts.ts';

export class PictureList {
  readonly length: number;
  readonly #store: Store;
  readonly #parts: readonly InputPart[];
  /** Of the part that is at hand: its number, its first frame, its pictures. */
  #part = -1;
  #first = 0;
  #pictures: readonly PictureRef[] = [];

  constructor(store: Store, parts: readonly InputPart[]) {
    this.#store = store;
    this.#parts = parts;
    this.length = parts.reduce((sum, { count }) => sum + count, 0);
  }

  /** To be asked for in order, one at a time. @throws data-loss — its record is missing */
  async at(index: number): Promise<PictureRef> {
    assert(index >= this.#first && index < this.length, `picture ${index} is not ahead`);
    while (index >= this.#first + this.#pictures.length) {
      const part = this.#parts[this.#part + 1]!;
      const pictures = await resolvePictures(this.#store, [part]);
      if (pictures.length !== part.count) {
        throw new BivdiffError('data-loss', `the record of task ${part.task} lacks pictures`, {
          details: { lostTasks: [part.task] },
        });
      }
      this.#first += this.#pictures.length;
      this.#part += 1;
      this.#pictures = pictures;
    }
    return this.#pictures[index - this.#first]!;
  }
}
