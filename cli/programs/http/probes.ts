// What a program says to probes: set by the program as it goes, read by whoever asks.

export class Probes {
  /** What its start still takes; undefined: it has started. */
  unstarted: string | undefined = 'the program begins';
  /** Why it cannot serve; undefined: it can. */
  unready: string | undefined = 'the program begins';

  /** A coordinator: whether it leads, or is about to. */
  leads = false;

  /** It has started, and can serve. */
  serve(): void {
    this.unstarted = undefined;
    this.unready = undefined;
  }
}
