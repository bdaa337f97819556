// Calls whatever method there is, for tests of who may call what.

import { credentials, makeGenericClientConstructor, Metadata, status } from '@grpc/grpc-js';
import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js';

import type { Channel } from '../../../common/rpc/channel.ts';

/** Calls a method with an empty request; gives the status. */
export async function callEmpty(
  method: MethodDefinition<object, object>,
  { address, metadata }: Channel,
): Promise<status> {
  const Generic = makeGenericClientConstructor({}, 'generic');
  const client: Client = new Generic(address, credentials.createInsecure());
  try {
    return await new Promise<status>((resolve) => {
      const done = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
      const rest = [metadata?.() ?? new Metadata(), { deadline: Date.now() + 10_000 }] as const;
      const { path, requestSerialize: write, responseDeserialize: parse } = method;
      // No bytes are a message with every field at its default.
      const request = {
        ...method.requestDeserialize(Buffer.alloc(0)),
        ...(path.endsWith('Document') ? { name: { kind: '', id: '' } } : {}),
      };
      if (method.requestStream) {
        const call = client.makeClientStreamRequest(path, write, parse, rest[0], rest[1], done);
        call.on('error', () => undefined);
        call.write(request);
        call.end();
      } else if (method.responseStream) {
        const call = client.makeServerStreamRequest(path, write, parse, request, rest[0], rest[1]);
        call.on('error', (error) => done(error as ServiceError));
        call.on('end', () => done(null));
        call.resume();
      } else {
        client.makeUnaryRequest(path, write, parse, request, rest[0], rest[1], done);
      }
    });
  } finally {
    client.close();
  }
}
