// Real certificates for tests, made by openssl: an authority, a server's for loopback, a client's, and those of a second authority.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Paths of PEM files. */
export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
  /** An authority that signed none of these. */
  readonly strangerCa: string;
  readonly strangerClient: Pair;
  remove(): Promise<void>;
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-tls-'));
  const ca = await makeAuthority(folder, 'ca');
  const stranger = await makeAuthority(folder, 'stranger');
  return {
    folder,
    ca: ca.cert,
    server: await makeSigned(folder, 'server', ca),
    client: await makeSigned(folder, 'client', ca),
    strangerCa: stranger.cert,
    strangerClient: await makeSigned(folder, 'stranger-client', stranger),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function makeAuthority(folder: string, name: string): Promise<Pair> {
  const pair = pairOf(folder, name);
  await run('openssl', [
    ...['req', '-x509', ...EC, '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', pair.key, '-out', pair.cert],
  ]);
  return pair;
}

async function makeSigned(folder: string, name: string, by: Pair): Promise<Pair> {
  const pair = pairOf(folder, name);
  const request = join(folder, `${name}.csr`);
  const extensions = join(folder, `${name}.ext`);
  await writeFile(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  await run('openssl', [
    ...['req', ...EC, '-subj', `/CN=${name}`, '-keyout', pair.key, '-out', request],
  ]);
  await run('openssl', [
    ...['x509', '-req', '-in', request, '-CA', by.cert, '-CAkey', by.key, '-CAcreateserial'],
    ...['-days', '2', '-extfile', extensions, '-out', pair.cert],
  ]);
  await chmod(pair.key, 0o600);
  return pair;
}

function pairOf(folder: string, name: string): Pair {
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}
