// A handler of one request and one response, from a function that answers or throws.

import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';

import { statusOfError } from './status.ts';

export function unary<Request, Response>(
  work: (request: Request) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call: ServerUnaryCall<Request, Response>, callback) => {
    void Promise.resolve()
      .then(() => work(call.request))
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
