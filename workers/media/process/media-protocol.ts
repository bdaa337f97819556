// What the parent and its media process say to each other: structured clones over Node's channel. One request at
// a time; pictures flow on credit, so neither side holds more than a few.

import type { FailureJson } from '../../../common/errors.ts';
import type {
  DecodedFrame,
  DecodeRequest,
  EncodedFacts,
  EncodeRequest,
  VideoFacts,
} from '../media-types.ts';

export type MediaRequest =
  | { readonly kind: 'probe'; readonly path: string; readonly survey: boolean }
  | { readonly kind: 'decode'; readonly request: DecodeRequest }
  | { readonly kind: 'encode'; readonly request: EncodeRequest };

/**
 * - `start`: a request; the one before has ended
 * - `more`: one more picture may come (decoding)
 * - `picture`, `end`: pictures to encode, and that there are no more
 */
export type ParentMessage =
  | { readonly kind: 'start'; readonly request: MediaRequest }
  | { readonly kind: 'more' }
  | { readonly kind: 'picture'; readonly rgb: Uint8Array }
  | { readonly kind: 'end' };

/**
 * - `picture`: a decoded frame
 * - `more`: a picture to encode was taken; another may come
 * - `done`, `failed`: the request's end
 */
export type ChildMessage =
  | ({ readonly kind: 'picture' } & DecodedFrame)
  | { readonly kind: 'more' }
  | { readonly kind: 'done'; readonly result: VideoFacts | EncodedFacts | undefined }
  | { readonly kind: 'failed'; readonly failure: FailureJson };

/** Pictures under way at most, either way. */
export const PICTURES_AHEAD = 4;
