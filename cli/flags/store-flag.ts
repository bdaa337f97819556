// `--store`: the flag of every command that has a store, and what it stands for.

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { resolveStorePlace } from '../../common/store/open-store.ts';
import type { CliEnvironment } from '../terminal.ts';
import type { TypedFlags } from './render-flags.ts';

/** Whether it names the store of a farm by its coordinator: what only workers can use. */
export function isRemoteStore(store: string): boolean {
  return /^grpcs?:\/\//.test(store);
}

/** The same flag for every command that has a store and is not a render's. */
export function addStoreFlag(command: Command, places = 'a folder or s3://BUCKET/PREFIX'): Command {
  return command.option(
    '--store <PLACE>',
    `The store: ${places} (default: $BIVDIFF_STORE, else .bivdiff/store here)`,
  );
}

/**
 * `--store`, else $BIVDIFF_STORE, else .bivdiff/store here: an absolute folder, or a URL as it is.
 * @throws invalid-argument — a malformed URL, or a coordinator's
 */
export function storeFolderOf(typed: TypedFlags, environment: CliEnvironment): string {
  const given = typed['store'];
  const chosen = typeof given === 'string' ? given : environment.storeFolder;
  if (chosen !== undefined && isRemoteStore(chosen)) {
    throw new BivdiffError('invalid-argument', `--store: ${chosen} is for bivdiff worker only`, {
      hint: 'Name a folder, or s3://BUCKET/PREFIX.',
    });
  }
  return resolveStorePlace(environment.folder, chosen ?? '.bivdiff/store');
}
