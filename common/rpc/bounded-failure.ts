// Failures and texts that keep to a size, so that what a user typed, or a program printed, never makes an answer that cannot be sent.

import type { FailureJson } from '../errors.ts';

const CUT = ' ...';

/** Causes, then details go, then message and hint are cut, until its JSON has `bytesMax` bytes at most. `bytesMax`: 1,000 or more. */
export function boundedFailure(failure: FailureJson, bytesMax: number): FailureJson {
  if (sizeOf(failure) <= bytesMax) return failure;
  const { code, message, retry, hint, details } = failure;
  const hinted = hint === undefined ? {} : { hint };
  const alone = { code, message, retry, ...hinted, details };
  if (sizeOf(alone) <= bytesMax) return alone;
  const short = { ...alone, details: {} };
  if (sizeOf(short) <= bytesMax) return short;
  return {
    ...short,
    message: cutText(message, bytesMax / 2, bytesInJson),
    ...(hint === undefined ? {} : { hint: cutText(hint, bytesMax / 4, bytesInJson) }),
  };
}

/** The text without halves of characters; its beginning if all of it would take more than `max`. */
export function cutText(text: string, max: number, costOf: (character: string) => number): string {
  const whole = text.toWellFormed();
  let cost = 0;
  let length = 0;
  let fitting = 0;
  for (const character of whole) {
    cost += costOf(character);
    if (cost > max) return whole.slice(0, fitting) + CUT;
    length += character.length;
    if (cost <= max - CUT.length * costOf(' ')) fitting = length;
  }
  return whole;
}

function sizeOf(failure: FailureJson): number {
  return Buffer.byteLength(JSON.stringify(failure));
}

function bytesInJson(character: string): number {
  return Buffer.byteLength(JSON.stringify(character)) - 2;
}
