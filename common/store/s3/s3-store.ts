// The store on S3 or a server that speaks it, for any number of processes at once. Puts the parts of this folder together;
// every error that leaves it names the store.

import { S3Client } from '@aws-sdk/client-s3';

import { StoreOfParts } from '../store-of-parts.ts';
import { Bucket } from './bucket.ts';
import { parseS3Address } from './s3-address.ts';
import { S3Artifacts } from './s3-artifacts.ts';
import { S3Contents } from './s3-contents.ts';
import { S3Documents } from './s3-documents.ts';
import { s3Failure } from './s3-failure.ts';
import { prepareBucket } from './prepare-bucket.ts';
import { S3Records } from './s3-records.ts';

/** As many as there are connections: more would only wait in the client, where their time runs already. */
const CALLS_AT_ONCE = 64;
const CONNECTIONS_MAX = 64;
const CONNECT_MS = 5_000;
/** Without a byte in either direction. */
const SILENCE_MS = 30_000;
/** From a request's beginning to its answer's; a part of an upload is the largest. */
const ANSWER_MS = 120_000;
/** The first and three more, with growing pauses in between. */
const ATTEMPTS_MAX = 4;

/**
 * Opens the store at `s3://BUCKET/PREFIX`; the bucket must be there. Keys and region come from where AWS' own tools take
 * them; AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL names another server than AWS.
 * @throws invalid-argument — a malformed address
 * @throws failed-precondition — no bucket, something else lies there, or a server without If-None-Match
 * @throws permission-denied, unavailable
 */
export async function openS3Store(
  place: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<StoreOfParts> {
  const address = parseS3Address(place);
  const client = createClient(env);
  try {
    const bucket = new Bucket(client, address);
    await prepareBucket(bucket);
    const artifacts = new S3Artifacts(bucket);
    const records = new S3Records(bucket, artifacts);
    const documents = new S3Documents(bucket);
    return new StoreOfParts({
      place: address.url,
      artifacts,
      records,
      documents,
      contents: new S3Contents({ bucket, artifacts, records, documents }),
      callsAtOnce: CALLS_AT_ONCE,
      failure: (reason, action) => s3Failure(reason, address.url, action),
      close: () => {
        client.destroy();
      },
    });
  } catch (reason) {
    client.destroy();
    throw s3Failure(reason, address.url, { doing: 'opening it' });
  }
}

function createClient(env: NodeJS.ProcessEnv): S3Client {
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const hasRegion = (env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']) !== undefined;
  const agent = { maxSockets: CONNECTIONS_MAX, keepAlive: true };
  return new S3Client({
    // Servers other than AWS rarely answer to a host name for each bucket, and mostly call their region this.
    ...(endpoint === undefined
      ? {}
      : { endpoint, forcePathStyle: true, ...(hasRegion ? {} : { region: 'us-east-1' }) }),
    maxAttempts: ATTEMPTS_MAX,
    // Our own: SHA-256 both ways. Some servers refuse the ones that the client adds by itself.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      // Waiting in line is no news: a survey has thousands of requests.
      socketAcquisitionWarningTimeout: ANSWER_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
