// A handler of one request and one response, from a function that answers or throws.

import type { handleUnaryCall, Metadata, ServerUnaryCall } from '@grpc/grpc-js';

import { statusOfError } from './status.ts';

/** The part of a handler's call that says who made it. */
export interface IncomingCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

export function unary<Request, Response>(
  work: (request: Request, call: IncomingCall) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call: ServerUnaryCall<Request, Response>, callback) => {
    void Promise.resolve()
      .then(() => work(call.request, call))
      .then(
        (response) => {
          callback(null, response);
        },
        (reason: unknown) => {
          callback(statusOfError(reason));
        },
      );
  };
}
