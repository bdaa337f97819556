// Between a failure as our programs know it and the message of failure.proto, in which it crosses gRPC and NATS.

import { BivdiffError, ERROR_CODES, RETRY_ADVICE } from './errors.ts';
import type { FailureJson } from './errors.ts';
import type { Failure } from './gen/bivdiff/v1/failure.ts';

/** What of a failure travels where its size is bounded: enough for a person to read and for the failure policy to decide by. */
const CUT = { messageLength: 2_000, hintLength: 500, detailsLength: 4_000, causes: 4 };

export function failureMessage(failure: FailureJson): Failure {
  const { code, message, retry, hint = '', details, cause } = failure;
  return {
    ...{ code, message, retry, hint },
    detailsJson: JSON.stringify(details),
    cause: cause === undefined ? undefined : failureMessage(cause),
  };
}

/** @throws invalid-argument — it is none of ours: an unknown code or retry word, details that are no JSON object */
export function failureOfMessage(message: Failure): FailureJson {
  const { code, retry, hint, cause } = message;
  const isKnown = isOneOf(ERROR_CODES, code) && isOneOf(RETRY_ADVICE, retry);
  if (!isKnown) throw new BivdiffError('invalid-argument', `a failure of code "${code}"`);
  return {
    ...{ code, message: message.message, retry, details: detailsOf(message.detailsJson) },
    ...(hint !== '' && { hint }),
    ...(cause !== undefined && { cause: failureOfMessage(cause) }),
  };
}

/** A failure of some kilobytes at most: long texts are cut, details and causes that do not fit are left out. */
export function cutFailure(failure: FailureJson, causes = CUT.causes): FailureJson {
  const { code, message, retry, hint, details, cause } = failure;
  return {
    ...{ code, message: cutText(message, CUT.messageLength), retry },
    ...(hint !== undefined && { hint: cutText(hint, CUT.hintLength) }),
    details: cutDetails(details),
    ...(cause !== undefined && causes > 0 && { cause: cutFailure(cause, causes - 1) }),
  };
}

/** Those that fit, in their order. */
function cutDetails(details: FailureJson['details']): FailureJson['details'] {
  let left = CUT.detailsLength;
  const fits = ([key, value]: [string, unknown]): boolean => {
    const length = key.length + ((JSON.stringify(value) as string | undefined) ?? '').length;
    if (length > left) return false;
    left -= length;
    return true;
  };
  return Object.fromEntries(Object.entries(details).filter(fits));
}

function cutText(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)} … (cut)`;
}

function detailsOf(json: string): FailureJson['details'] {
  if (json === '') return {};
  const details = parsed(json);
  if (typeof details === 'object' && details !== null && !Array.isArray(details)) {
    return details as FailureJson['details'];
  }
  throw new BivdiffError('invalid-argument', 'a failure whose details are no JSON object');
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isOneOf<T extends string>(words: readonly T[], word: string): word is T {
  return (words as readonly string[]).includes(word);
}
