// How a client reaches a coordinator: in the clear, by TLS, or by TLS with a certificate of its own; and the token that it brings
// along. Every client of ours gets its channel here.

import { readFile } from 'node:fs/promises';

import { credentials as grpcCredentials, Metadata } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';

import { BivdiffError } from '../errors.ts';
import { readSecretBytes } from '../secret-file.ts';

/** Files in PEM. */
export interface TlsFiles {
  /** Whom to trust. @default what the system trusts */
  readonly ca?: string | undefined;
  /** The client's own certificate, with `key`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface ChannelSettings {
  /** `HOST:PORT`, `grpc://HOST:PORT` or `grpcs://HOST:PORT`. */
  readonly server: string;
  /** The flag or variable that named the server, for errors. */
  readonly origin: string;
  /** Any of them means TLS; so does `grpcs://`. */
  readonly tls?: TlsFiles | undefined;
  readonly token?: string | undefined;
  /** Send the token in the clear, also to other machines. @default false */
  readonly isInsecureAllowed?: boolean;
}

/** How long a connection may be silent while a call is under way until it is asked whether it stands, and how long the answer may take. */
export interface Keepalive {
  readonly timeMs: number;
  readonly timeoutMs: number;
}

const KEEPALIVE: Keepalive = { timeMs: 10_000, timeoutMs: 10_000 };

/** A machine that vanishes says no goodbye: without these a call would wait for its deadline, and a watch for ever. */
export function keepaliveOptions({ timeMs, timeoutMs }: Keepalive = KEEPALIVE): ChannelOptions {
  return { 'grpc.keepalive_time_ms': timeMs, 'grpc.keepalive_timeout_ms': timeoutMs };
}

/** What a client needs to make calls. */
export interface Channel {
  /** HOST:PORT. */
  readonly address: string;
  readonly credentials: ChannelCredentials;
  /** Sent with every call. */
  readonly metadata?: () => Metadata;
}

/** A token is one word: what breaks a header's line never reaches it. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * @throws invalid-argument — the address, the files or the token are malformed, or do not go together
 * @throws failed-precondition — the token would travel in the clear
 */
export async function openChannel(settings: ChannelSettings): Promise<Channel> {
  const { server, origin, tls = {}, token } = settings;
  const { address, host, scheme } = parseServer(server, origin);
  const hasFiles = [tls.ca, tls.cert, tls.key].some((file) => file !== undefined);
  const isTls = scheme === 'grpcs' || hasFiles;
  const credentials = isTls ? await tlsCredentials(tls) : grpcCredentials.createInsecure();
  if (token === undefined) return { address, credentials };
  if (!TOKEN.test(token)) {
    throw new BivdiffError('invalid-argument', 'the token is not one word of plain characters');
  }
  if (!isTls && !isLoopback(host) && settings.isInsecureAllowed !== true) {
    throw new BivdiffError(
      'failed-precondition',
      `${origin}: the token would travel to ${address} without encryption`,
      { hint: 'Use TLS: grpcs://HOST:PORT or --tls-ca; or --insecure if the network is trusted.' },
    );
  }
  return { address, credentials, metadata: () => bearer(token) };
}

/** Whether it is this machine whatever its names are. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/i.test(host);
}

function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

function parseServer(
  server: string,
  origin: string,
): { readonly address: string; readonly host: string; readonly scheme: string } {
  const parts = /^(?:(grpcs?):\/\/)?((\[[0-9a-f:]+\]|[^:/[\]@]+):\d+)\/?$/i.exec(server);
  const [, scheme = 'none', address, host] = parts ?? [];
  if (address !== undefined && host !== undefined) {
    return { address, host, scheme: scheme.toLowerCase() };
  }
  throw new BivdiffError(
    'invalid-argument',
    `${origin}: expected grpc://HOST:PORT, grpcs://HOST:PORT or HOST:PORT, got "${server}"`,
  );
}

async function tlsCredentials({ ca, cert, key }: TlsFiles): Promise<ChannelCredentials> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new BivdiffError('invalid-argument', 'a TLS certificate and its key go together', {
      hint: 'Give both --tls-cert and --tls-key, or neither.',
    });
  }
  const roots = ca === undefined ? null : await readPem(ca);
  const chain = cert === undefined ? null : await readPem(cert);
  const secret = key === undefined ? null : await readKey(key);
  try {
    return grpcCredentials.createSsl(roots, secret, chain);
  } catch (reason) {
    throw badTls([ca, cert, key], reason);
  }
}

/** A certificate file. @throws not-found, permission-denied */
export function readPem(path: string): Promise<Buffer> {
  return readFile(path).catch((reason: unknown) => {
    throw BivdiffError.from(reason, `reading the certificate ${path}`);
  });
}

/** A private key, which others may not read. */
export function readKey(path: string): Promise<Buffer> {
  return readSecretBytes(path, { origin: 'TLS key', mayGroupRead: true });
}

/** What the library says of a file that is no certificate or no key, with the files' names. */
export function badTls(files: readonly (string | undefined)[], reason: unknown): BivdiffError {
  const named = files.filter((file) => file !== undefined).join(', ');
  const what = reason instanceof Error ? reason.message : String(reason);
  return new BivdiffError('invalid-argument', `TLS: ${named}: ${what}`, {
    hint: 'Certificate and key are files in PEM that belong together.',
  });
}
