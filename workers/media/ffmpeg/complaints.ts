// What FFmpeg has said and nobody has asked for yet: one saying of each kind, so that one repeated for every packet leaves room for others.

const KINDS_MAX = 50;

export class Complaints {
  readonly #byKind = new Map<string, string>();

  add(message: string): void {
    const words = message.trim();
    // Times, sizes and addresses make the same saying differ from packet to packet.
    const kind = words.replaceAll(/0x[\da-f]+|\d+/gi, '#');
    if (this.#byKind.size < KINDS_MAX && !this.#byKind.has(kind)) this.#byKind.set(kind, words);
  }

  /** In the order in which they came; they are not told again. */
  take(): readonly string[] {
    const all = [...this.#byKind.values()];
    this.#byKind.clear();
    return all;
  }
}
