// Lists only grow newer: one that is older than one before it comes from a server or a proxy that answers from an old state.

import { BivdiffError } from '../../../common/errors.ts';

export class ListVersions {
  /** Newest that was seen, by what was listed. */
  readonly #newest = new Map<string, bigint>();

  /** Versions grow (KEP-5504); what is no number is not compared. @throws data-loss — it is stale */
  checkNewer(resource: string, text: string): void {
    if (!/^\d+$/.test(text)) return;
    const version = BigInt(text);
    const newest = this.#newest.get(resource) ?? 0n;
    if (version < newest) {
      const message = `the list of ${resource} is of version ${version}, and one of ${newest} came before: it is stale`;
      throw new BivdiffError('data-loss', message);
    }
    this.#newest.set(resource, version);
  }
}
