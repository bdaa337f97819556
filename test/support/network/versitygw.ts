// A real S3 server for tests: versitygw over a folder, on loopback. Finds the program, or builds it, and runs one.

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

import { answers, freePort } from './ports.ts';

const run = promisify(execFile);

const MODULE = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
/** It draws in a great many modules: seven minutes on two cores. Hooks that start a server must wait as long. */
export const BUILD_MS = 900_000;
const START_MS = 20_000;
const STOP_MS = 5_000;

/** On PATH or in the cache, else built there with Go. */
export async function findVersityGw(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const cache = join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bivdiff/bin');
  for (const folder of [...(env['PATH'] ?? '').split(delimiter), cache]) {
    const path = join(folder, 'versitygw');
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== '' && isThere) return path;
  }
  await mkdir(cache, { recursive: true });
  await run('go', ['install', '-trimpath', '-ldflags', '-s -w', MODULE], {
    env: { ...env, GOBIN: cache, CGO_ENABLED: '0' },
    timeout: BUILD_MS,
  });
  return join(cache, 'versitygw');
}

export interface VersityGw {
  readonly url: string;
  readonly port: number;
  /** Where it keeps its buckets, as folders: an object is a file there. */
  readonly folder: string;
  /** What a client needs, as environment variables. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface VersityGwOptions {
  /** A command that runs it, given the folder for its buckets; that may hide the folder from others. @default none */
  readonly prefixFor?: (folder: string) => Promise<readonly string[]>;
}

/** One with empty buckets of these names. Its folder is removed with it. */
export async function startVersityGw(
  buckets: readonly string[],
  options: VersityGwOptions = {},
): Promise<VersityGw> {
  const program = await findVersityGw();
  const top = await mkdtemp(join(tmpdir(), 'bivdiff-s3-'));
  const folder = join(top, 'buckets');
  await mkdir(folder);
  const prefix = (await options.prefixFor?.(folder)) ?? [];
  const port = await freePort();
  const keys = { access: 'bivdiff-test', secret: 'bivdiff-test-secret' };
  const address = `127.0.0.1:${port}`;
  const flags = ['--port', address, '--quiet', '--keep-alive'];
  const [command, ...args] = [...prefix, program, ...flags, 'posix', folder];
  const child = spawn(command, args, {
    env: { ...process.env, ROOT_ACCESS_KEY: keys.access, ROOT_SECRET_KEY: keys.secret },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4_000);
    });
  }
  const close = async (): Promise<void> => {
    await stop(child);
    await rm(top, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await close();
      throw new Error(`versitygw did not start: ${log}`);
    }
    await delay(20);
  }
  const url = `http://${address}`;
  const env = {
    AWS_ENDPOINT_URL_S3: url,
    AWS_ACCESS_KEY_ID: keys.access,
    AWS_SECRET_ACCESS_KEY: keys.secret,
    AWS_REGION: 'us-east-1',
  };
  await createBuckets(buckets, url, keys);
  return { url, port, folder, env, close };
}

async function createBuckets(
  buckets: readonly string[],
  endpoint: string,
  keys: { readonly access: string; readonly secret: string },
): Promise<void> {
  const credentials = { accessKeyId: keys.access, secretAccessKey: keys.secret };
  const client = new S3Client({
    ...{ endpoint, credentials },
    forcePathStyle: true,
    region: 'us-east-1',
  });
  for (const Bucket of buckets) await client.send(new CreateBucketCommand({ Bucket }));
  client.destroy();
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}
