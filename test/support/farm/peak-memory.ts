// The most memory that programs of a farm and the processes which they start have held, each for itself. Linux only.

import { readdir, readFile } from 'node:fs/promises';

const LOOK_MS = 200;

/** A program, by its name. */
export type Watched = ReadonlyMap<string, { readonly pid?: number | undefined }>;

export class PeakMemory {
  readonly #programs: Watched;
  /** MiB by program, and by program and `children` for those that it starts: the largest of them. */
  readonly peaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  /** Processes that a program starts may end at any time, so it looks again and again. */
  constructor(programs: Watched) {
    this.#programs = programs;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  async look(): Promise<void> {
    for (const [name, { pid }] of this.#programs) {
      await this.#note(name, pid);
      for (const child of await childrenOf(pid)) await this.#note(`${name}, children`, child);
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #note(name: string, pid: number | undefined): Promise<void> {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const mib = Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
    this.peaks.set(name, Math.max(mib, this.peaks.get(name) ?? 0));
  }
}

async function childrenOf(pid: number | undefined): Promise<readonly number[]> {
  const folder = `/proc/${pid}/task`;
  const threads = await readdir(folder).catch(() => []);
  const lists = threads.map((thread) =>
    readFile(`${folder}/${thread}/children`, 'utf8').catch(() => ''),
  );
  const words = (await Promise.all(lists)).flatMap((list) => list.split(' '));
  return words.filter((word) => word !== '').map(Number);
}
