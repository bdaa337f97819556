// `s3://BUCKET/PREFIX`: where a store lies, in words. Knows nothing of S3's API.

import { BivdiffError } from '../../errors.ts';

export interface S3Address {
  readonly bucket: string;
  /** What every key begins with: empty, or ending with a slash. */
  readonly prefix: string;
  /** The address as it is shown, without a slash at its end. */
  readonly url: string;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** S3 takes more; these need no escaping anywhere, and none of them is `.` or `..`. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._=+@-]+$/;
/** S3 allows 1024 bytes for a key; ours are at most about 250, but for documents with long ids. */
const PREFIX_LENGTH_MAX = 500;

/** Whether it is meant to be one, well-formed or not: no folder is called so. */
export function isS3Address(place: string): boolean {
  return /^s3:/i.test(place);
}

/** @throws invalid-argument — a malformed one */
export function parseS3Address(place: string): S3Address {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/.exec(place) ?? [];
  const segments = path.replace(/\/$/, '').split('/');
  const isSound =
    BUCKET.test(bucket) &&
    path.length <= PREFIX_LENGTH_MAX &&
    (path === '' || segments.every((segment) => SEGMENT.test(segment)));
  if (!isSound) {
    throw new BivdiffError('invalid-argument', `${JSON.stringify(place)} is no place on S3`, {
      hint: 'Write s3://BUCKET or s3://BUCKET/PREFIX: a bucket of 3 to 63 of [a-z0-9.-], a prefix of [A-Za-z0-9._=+@-] between single slashes.',
    });
  }
  const prefix = path === '' ? '' : `${segments.join('/')}/`;
  return { bucket, prefix, url: `s3://${bucket}/${prefix}`.replace(/\/$/, '') };
}
