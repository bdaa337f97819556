// What a server or the client calls an error, as ours: which code, and that it names the store and a way out.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { s3Failure } from '../../../../common/store/s3/s3-failure.ts';

const URL = 's3://bucket/prefix';
const ACTION = { doing: 'putting an artifact', neededBytes: 1000 };

function answerOf(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error('the words of the server'), {
    name,
    $metadata: { httpStatusCode },
  });
}

describe('s3Failure', () => {
  it.each([
    ['AccessDenied', 403, 'permission-denied', 'ListBucket'],
    ['SomethingElse', 403, 'permission-denied', 'ListBucket'],
    ['InvalidAccessKeyId', 403, 'permission-denied', 'AWS_ACCESS_KEY_ID'],
    ['ExpiredToken', 400, 'permission-denied', 'AWS_ACCESS_KEY_ID'],
    ['NoSuchBucket', 404, 'failed-precondition', 'bucket'],
    ['PermanentRedirect', 301, 'failed-precondition', 'AWS_REGION'],
    ['RequestTimeTooSkewed', 403, 'failed-precondition', 'clock'],
    ['NotImplemented', 501, 'failed-precondition', 'server'],
    ['QuotaExceeded', 403, 'resource-exhausted', 'store gc'],
    ['XMinioStorageFull', 507, 'resource-exhausted', 'store gc'],
    ['SlowDown', 503, 'unavailable', 'AWS_ENDPOINT_URL_S3'],
    ['InternalError', 500, 'unavailable', 'AWS_ENDPOINT_URL_S3'],
    ['TooManyRequests', 429, 'unavailable', 'AWS_ENDPOINT_URL_S3'],
  ])('takes %s with status %i for %s', (name, status, code, hint) => {
    const error = s3Failure(answerOf(name, status), URL, ACTION);
    expect(error.code).toBe(code);
    expect(error.message).toContain(`putting an artifact in the store ${URL}: ${name}`);
    expect(error.hint).toContain(hint);
  });

  it('says how much room is needed where there is none', () => {
    const error = s3Failure(answerOf('QuotaExceeded', 403), URL, ACTION);
    expect(error.message).toContain('1000 bytes are needed');
    expect(error.details).toEqual({ store: URL, neededBytes: 1000 });
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'EPIPE'])(
    'takes %s for a server away',
    (code) => {
      const reason = Object.assign(new Error(`connect ${code}`), { code });
      expect(s3Failure(reason, URL, ACTION).code).toBe('unavailable');
    },
  );

  it('takes silence for a server away, and a stop for a stop', () => {
    const silence = Object.assign(new Error('timed out'), { name: 'TimeoutError' });
    expect(s3Failure(silence, URL, ACTION).code).toBe('unavailable');
    const stop = Object.assign(new Error('aborted'), { name: 'AbortError' });
    expect(s3Failure(stop, URL, ACTION).code).toBe('cancelled');
  });

  it('leaves our own as they are, and calls what it does not know a defect', () => {
    const own = new BivdiffError('data-loss', 'lost');
    expect(s3Failure(own, URL, ACTION)).toBe(own);
    expect(s3Failure(new TypeError('x is undefined'), URL, ACTION).code).toBe('internal');
  });
});
