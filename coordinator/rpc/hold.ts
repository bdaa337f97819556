// A coordinator listens before it has read which jobs there are, so that a second one on the same port does not take the store over.
// What is asked about jobs meanwhile waits: the answer would be that there is no such job.

import { ServerInterceptingCall } from '@grpc/grpc-js';
import type { ServerInterceptor } from '@grpc/grpc-js';

/** Records and artifacts are there whatever jobs there are; health and reflection are no affair of jobs. */
const ABOUT_JOBS = /^\/bivdiff\.v1\.(RenderService|ArtifactService)\//;

/** Holds calls about jobs until the promise resolves. A client that gives up is let go at once. */
export function holdUntil(ready: Promise<unknown>): ServerInterceptor {
  let isReady = false;
  void ready.then(() => {
    isReady = true;
  });
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            if (isReady || !ABOUT_JOBS.test(path)) pass(metadata);
            else
              void ready.then(() => {
                pass(metadata);
              });
          },
        });
      },
    });
}
