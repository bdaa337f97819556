// Goal: a tool that knows a server only by reflection can call it. Method: a reflection client asks a real server for the files of its
// services, and reads them by the rules that grpcurl reads them by.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { credentials, loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { addIntrospection } from '../../../../coordinator/rpc/introspection.ts';

interface Answer {
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}
interface ReflectionClient {
  serverReflectionInfo(): ClientDuplexStream<{ fileContainingSymbol: string }, Answer>;
  close(): void;
}

const server = new Server();
let client: ReflectionClient;

beforeAll(async () => {
  addIntrospection(server, Promise.resolve());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const package_ = dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json'));
  const proto = join(package_, 'build/proto/grpc/reflection/v1/reflection.proto');
  const loaded = loadPackageDefinition(loadSync(proto)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  const { ServerReflection } = loaded.grpc.reflection.v1;
  const address = `127.0.0.1:${port}`;
  client = new ServerReflection(
    address,
    credentials.createInsecure(),
  ) as unknown as ReflectionClient;
});
afterAll(() => {
  client.close();
  server.forceShutdown();
});

async function filesOf(symbol: string): Promise<readonly FileDescriptorProto[]> {
  const call = client.serverReflectionInfo();
  const answer = new Promise<Answer>((resolve, reject) => {
    call.on('data', resolve).on('error', reject);
  });
  call.write({ fileContainingSymbol: symbol });
  const { fileDescriptorResponse } = await answer;
  call.end();
  return fileDescriptorResponse!.fileDescriptorProto.map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );
}

/** By field: what its entries are called. */
function mapsOf(message: DescriptorProto): Record<string, string> {
  const entries = new Set(
    message.nestedType.filter(({ options }) => options?.mapEntry).map(({ name }) => name),
  );
  const maps = message.field.filter(({ typeName }) => entries.has(typeName));
  expect(maps).toHaveLength(entries.size);
  return Object.fromEntries(maps.map(({ name, typeName }) => [name, typeName]));
}

describe('reflection', () => {
  it('names the entries of maps as readers demand', async () => {
    const messages = (await filesOf('grpc.health.v1.Health')).flatMap((file) => file.messageType);
    const list = messages.find(({ name }) => name === 'HealthListResponse')!;
    expect(mapsOf(list)).toEqual({ statuses: 'StatusesEntry' });
  });

  it('names fields as the proto files do', async () => {
    const files = await filesOf('bivdiff.v1.RenderService');
    const submit = files
      .flatMap((file) => file.messageType)
      .find(({ name }) => name === 'SubmitJobRequest')!;
    expect(submit.field.map(({ name }) => name)).toContain('source_digest');
  });
});
