// A coordinator's gRPC server: every service behind one authorizer. Where it listens, and by which certificate, is the program's affair.

import { Server } from '@grpc/grpc-js';

import { RenderServiceService } from '../../common/gen/bivdiff/v1/render_service.ts';
import { StoreServiceService } from '../../common/gen/bivdiff/v1/store_service.ts';
import { CHUNKED_ARTIFACT_SERVICE } from '../../common/rpc/chunk-services.ts';
import type { FarmLimits } from '../../common/rpc/farm-limits.ts';
import { MESSAGE_BYTES_MAX } from '../../common/rpc/message-sizes.ts';
import { ArtifactRights } from './access/artifact-rights.ts';
import { createArtifactService } from './artifact-service.ts';
import { Authorizer } from './access/authorizer.ts';
import type { AuthorizerOptions } from './access/authorizer.ts';
import { addIntrospection } from './introspection.ts';
import { holdUntil } from './hold.ts';
import { doneJobs } from './access/job-scope.ts';
import { createRenderService } from './render-service.ts';
import type { RenderServiceOptions } from './render-service.ts';
import { createStoreService } from './store-service.ts';

export interface RpcServerOptions
  extends Omit<RenderServiceOptions, 'authorizer' | 'rights' | 'limits'>, AuthorizerOptions {
  readonly limits: FarmLimits;
}

export interface RpcServer {
  readonly server: Server;
  /** Says, to who asks for its health, that it is about to end. */
  readonly endHealth: () => void;
}

export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { coordinator, store, limits } = options;
  const authorizer = new Authorizer(options);
  const rights = new ArtifactRights({ store, doneJobs: (caller) => doneJobs(coordinator, caller) });
  const server = new Server({
    // Where everybody may do everything, nobody needs to stand in the way.
    interceptors: [
      ...(options.tokens === undefined ? [] : [authorizer.interceptor]),
      holdUntil(coordinator.known),
    ],
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    // Or two coordinators could listen on one port, each getting some of the calls.
    'grpc.so_reuseport': 0,
    // A machine that vanishes says no goodbye: its uploads would wait for ever.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 15_000,
  });
  const guard = { authorizer, rights };
  server.addService(RenderServiceService, createRenderService({ ...options, ...guard }));
  server.addService(CHUNKED_ARTIFACT_SERVICE, createArtifactService(store, { ...guard, limits }));
  server.addService(StoreServiceService, createStoreService(store));
  return { server, endHealth: addIntrospection(server, coordinator.known) };
}
