// What tools ask of any gRPC server: is it healthy (grpc.health.v1), and what does it offer (reflection, for grpcurl).

import { join } from 'node:path';

import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath } from 'grpc-health-check';

const PROTO_FOLDER = join(import.meta.dirname, '../../proto');
const SERVICES = ['render_service', 'artifact_service', 'store_service'];

/** Adds health and reflection. The returned function says that the server is about to end. */
export function addIntrospection(server: Server): () => void {
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  const files = SERVICES.map((name) => `bivdiff/v1/${name}.proto`);
  const offered = loadSync([...files, protoPath], { includeDirs: [PROTO_FOLDER] });
  new ReflectionService(offered).addToServer(server);
  return () => {
    health.setStatus('', 'NOT_SERVING');
  };
}
