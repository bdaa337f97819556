// The one place where errors of the NATS client become ours.

import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

import { BivdiffError } from '../../errors.ts';

/** Server's answer to "the stream holds as many messages as it may". */
const STREAM_FULL = 10077;
const STREAM_NAME_IN_USE = 10058;
/** Of a stream, or of the account. */
const MESSAGE_TOO_LARGE = 10054;

/** Stream or consumer is not there: deleted, or the server lost its data. */
export function isGone(reason: unknown): boolean {
  if (reason instanceof JetStreamApiError) {
    const { code } = reason;
    return code === JetStreamApiCodes.StreamNotFound || code === JetStreamApiCodes.ConsumerNotFound;
  }
  // The client wraps it, in a class that it does not export.
  return isNoResponders(reason) || (reason instanceof Error && isNoResponders(reason.cause));
}

/** The stream has a message of this subject already, and takes one at a time. */
export function isThereAlready(reason: unknown): boolean {
  return (
    reason instanceof JetStreamApiError &&
    reason.code === STREAM_FULL &&
    reason.message.includes('per subject')
  );
}

/** There is a stream of this name, made by other settings. */
export function isOtherwise(reason: unknown): boolean {
  return reason instanceof JetStreamApiError && reason.code === STREAM_NAME_IN_USE;
}

export function isNoResponders(reason: unknown): boolean {
  if (reason instanceof errors.RequestError) return reason.isNoResponders();
  return reason instanceof errors.NoRespondersError;
}

/**
 * Publishing it again does not help: neither the message nor the limit changes.
 * @throws failed-precondition — it is larger than the server says that it takes
 */
export function checkPayload(
  payload: Uint8Array,
  info: { readonly max_payload: number } | undefined,
): void {
  const bytesMax = info?.max_payload ?? Infinity;
  if (payload.length <= bytesMax) return;
  throw new BivdiffError(
    'failed-precondition',
    `its message has ${payload.length} bytes, and the NATS server takes ${bytesMax} at most`,
    {
      retry: 'never',
      hint: 'Raise max_payload in the configuration of nats-server (1MB is its default), restart it, and retry the job.',
      details: { bytes: payload.length, bytesMax },
    },
  );
}

/** Every failure of the server or the way to it passes; what is full is told apart. */
export function natsFailure(reason: unknown, doing: string): BivdiffError {
  if (reason instanceof BivdiffError) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  if (reason instanceof JetStreamApiError && reason.code === STREAM_FULL) {
    return new BivdiffError('resource-exhausted', `${doing}: the stream is full`, {
      cause: reason,
    });
  }
  if (reason instanceof JetStreamApiError && reason.code === MESSAGE_TOO_LARGE) {
    return new BivdiffError(
      'failed-precondition',
      `the NATS server refuses its message: ${message}`,
      {
        retry: 'never',
        cause: reason,
        hint: 'Let the NATS server take larger messages into its streams, and retry the job.',
      },
    );
  }
  if (reason instanceof errors.AuthorizationError) {
    return new BivdiffError('unauthenticated', `${doing}: the server does not let us in`, {
      cause: reason,
      hint: 'Set BIVDIFF_NATS_USER and BIVDIFF_NATS_PASSWORD, or use --nats-credentials.',
    });
  }
  return new BivdiffError('unavailable', `${doing}: ${message}`, {
    cause: reason,
    hint: 'Is the NATS server up? Its address comes from --nats or BIVDIFF_NATS.',
  });
}
