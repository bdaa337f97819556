// What tools ask of any gRPC server: is it healthy (grpc.health.v1), and what does it offer (reflection, for grpcurl).

import { join } from 'node:path';

import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorProto } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath } from 'grpc-health-check';

const PROTO_FOLDER = join(import.meta.dirname, '../../proto');
const SERVICES = ['render_service', 'artifact_service', 'store_service'];

/** Adds health, which is bad until the promise resolves, and reflection. The returned function says that the server is about to end. */
export function addIntrospection(server: Server, ready: Promise<unknown>): () => void {
  const health = new HealthImplementation({ '': 'NOT_SERVING' });
  let isEnding = false;
  void ready.then(() => {
    if (!isEnding) health.setStatus('', 'SERVING');
  });
  health.addToServer(server);
  const files = SERVICES.map((name) => `bivdiff/v1/${name}.proto`);
  const includeDirs = [PROTO_FOLDER];
  const offered = loadSync([...files, protoPath], { includeDirs, keepCase: true });
  new ReflectionService(withMapsNamed(offered)).addToServer(server);
  return () => {
    isEnding = true;
    health.setStatus('', 'NOT_SERVING');
  };
}

/**
 * The loader calls the entries of a map `statuses` just `Statuses`. They must be called `StatusesEntry`, or who reads the file by the rules,
 * as grpcurl does, refuses all of it.
 */
function withMapsNamed(loaded: PackageDefinition): PackageDefinition {
  const definitions = Object.entries(loaded).map(([name, definition]) => {
    const files = definition.fileDescriptorProtos;
    if (!Array.isArray(files)) return [name, definition] as const;
    const fileDescriptorProtos = files.map((bytes) => {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      for (const message of file.messageType) nameMaps(message);
      return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
    });
    return [name, { ...definition, fileDescriptorProtos }] as const;
  });
  return Object.fromEntries(definitions) as PackageDefinition;
}

function nameMaps(message: DescriptorProto): void {
  for (const nested of message.nestedType) {
    const field = message.field.find(({ typeName }) => typeName === nested.name);
    if (nested.options?.mapEntry !== true || field === undefined) nameMaps(nested);
    else field.typeName = nested.name = mapEntryName(field.name);
  }
}

/** As protoc names it: `by_name` has entries `ByNameEntry`. */
function mapEntryName(field: string): string {
  return `${field.replaceAll(/(?:^|_)(.?)/g, (_, first: string) => first.toUpperCase())}Entry`;
}
