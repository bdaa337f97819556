// How large a document may be that travels: it is one message.

import { BivdiffError } from '../errors.ts';
import { DOCUMENT_BYTES_MAX } from '../rpc/message-sizes.ts';
import type { DocumentName } from './ports.ts';

/** @throws resource-exhausted */
export function checkDocumentSize({ kind, id }: DocumentName, bytes: number): void {
  if (bytes <= DOCUMENT_BYTES_MAX) return;
  throw new BivdiffError(
    'resource-exhausted',
    `document ${kind}/${id} has ${bytes} bytes; a remote store takes and gives ${DOCUMENT_BYTES_MAX} at most`,
    {
      retry: 'never',
      hint: 'Use the store itself: a folder that this machine can reach, or a bucket.',
    },
  );
}
