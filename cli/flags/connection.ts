// The flags and variables by which a program of ours reaches a coordinator or NATS safely: whom to trust, who it is.

import { resolve } from 'node:path';

import type { Command } from 'commander';
import { parse } from 'yaml';
import { z } from 'zod';

import type { NatsAccess } from '../../common/bus/nats/index.ts';
import { BivdiffError } from '../../common/errors.ts';
import { readKey, readPem } from '../../common/rpc/channel.ts';
import type { ChannelSettings } from '../../common/rpc/channel.ts';
import { readSecretFile } from '../../common/secret-file.ts';
import type { CliEnvironment, SecurityVariable } from '../terminal.ts';

/** Typed flags, or those of the programs. */
export type FlagValues = object;

type Access = Omit<ChannelSettings, 'server' | 'origin'>;

/** `insecure`: what that flag does, where it does more. */
export function addAccessFlags(
  command: Command,
  { insecure = 'Send the token without TLS, also to another machine' } = {},
): Command {
  return command
    .option('--tls-ca <FILE>', 'Whom to trust, PEM; means TLS (default: $BIVDIFF_TLS_CA)')
    .option('--tls-cert <FILE>', 'Own certificate, if it wants one (default: $BIVDIFF_TLS_CERT)')
    .option('--tls-key <FILE>', 'Its key (default: $BIVDIFF_TLS_KEY)')
    .option(
      '--token-file <FILE>',
      'The token to show (default: $BIVDIFF_TOKEN_FILE, or the token itself in $BIVDIFF_TOKEN)',
    )
    .option('--insecure', insecure);
}

export function addNatsAccessFlags(command: Command): Command {
  return command
    .option(
      '--nats-credentials <FILE>',
      'User and password for NATS, YAML or JSON (default: $BIVDIFF_NATS_CREDENTIALS, or $BIVDIFF_NATS_USER and $BIVDIFF_NATS_PASSWORD)',
    )
    .option(
      '--nats-tls-ca <FILE>',
      'Whom to trust as NATS server, PEM; means TLS (default: $BIVDIFF_NATS_TLS_CA)',
    )
    .option('--nats-tls-cert <FILE>', 'Own certificate for NATS (default: $BIVDIFF_NATS_TLS_CERT)')
    .option('--nats-tls-key <FILE>', 'Its key (default: $BIVDIFF_NATS_TLS_KEY)');
}

/** @throws permission-denied — the token's file is open to all; not-found */
export async function accessOf(flags: FlagValues, environment: CliEnvironment): Promise<Access> {
  const file = (name: string, variable: SecurityVariable): string | undefined =>
    fileOf(flags, name, { variable, environment });
  const path = file('tokenFile', 'BIVDIFF_TOKEN_FILE');
  const isByFlag = valueOf(flags, 'tokenFile') !== undefined;
  const fromVariable = isByFlag ? undefined : environment.variable('BIVDIFF_TOKEN');
  const options = { origin: '--token-file', mayGroupRead: true };
  const token =
    fromVariable ?? (path === undefined ? undefined : (await readSecretFile(path, options)).trim());
  return {
    tls: {
      ca: file('tlsCa', 'BIVDIFF_TLS_CA'),
      cert: file('tlsCert', 'BIVDIFF_TLS_CERT'),
      key: file('tlsKey', 'BIVDIFF_TLS_KEY'),
    },
    isInsecureAllowed: (flags as { readonly insecure?: unknown }).insecure === true,
    ...(token === undefined ? {} : { token }),
  };
}

const CREDENTIALS = z.strictObject({ user: z.string().min(1), password: z.string().min(1) });

/** @throws invalid-argument — half of a pair, a malformed file, or a password in the URL */
export async function natsAccessOf(
  flags: FlagValues,
  environment: CliEnvironment,
): Promise<NatsAccess> {
  const path = fileOf(flags, 'natsCredentials', {
    variable: 'BIVDIFF_NATS_CREDENTIALS',
    environment,
  });
  const user = environment.variable('BIVDIFF_NATS_USER');
  const password = environment.variable('BIVDIFF_NATS_PASSWORD');
  if ((user === undefined) !== (password === undefined)) {
    throw new BivdiffError(
      'invalid-argument',
      'BIVDIFF_NATS_USER and BIVDIFF_NATS_PASSWORD go together',
    );
  }
  const login = path === undefined ? undefined : await readCredentials(path);
  const named = user === undefined || password === undefined ? undefined : { user, password };
  const tls = await natsTls(flags, environment);
  return { ...(login ?? named), ...(tls === undefined ? {} : { tls }) };
}

/** The server's address. A password in it would show in the list of processes, and in errors. */
export function checkNatsUrl(url: string): string {
  if (!/^[a-z]+:\/\/[^/]*@|^[^/]*@/i.test(url)) return url;
  throw new BivdiffError('invalid-argument', '--nats: the URL has a user or password in it', {
    hint: 'Set BIVDIFF_NATS_USER and BIVDIFF_NATS_PASSWORD, or use --nats-credentials.',
  });
}

async function natsTls(
  flags: FlagValues,
  environment: CliEnvironment,
): Promise<NatsAccess['tls'] | undefined> {
  const file = (name: string, variable: SecurityVariable): string | undefined =>
    fileOf(flags, name, { variable, environment });
  const ca = file('natsTlsCa', 'BIVDIFF_NATS_TLS_CA');
  const cert = file('natsTlsCert', 'BIVDIFF_NATS_TLS_CERT');
  const key = file('natsTlsKey', 'BIVDIFF_NATS_TLS_KEY');
  if ((cert === undefined) !== (key === undefined)) {
    throw new BivdiffError('invalid-argument', '--nats-tls-cert and --nats-tls-key go together');
  }
  if (ca === undefined && cert === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca: (await readPem(ca)).toString() }),
    ...(cert === undefined ? {} : { cert: (await readPem(cert)).toString() }),
    ...(key === undefined ? {} : { key: (await readKey(key)).toString() }),
  };
}

async function readCredentials(path: string): Promise<z.infer<typeof CREDENTIALS>> {
  const origin = '--nats-credentials';
  const text = await readSecretFile(path, { origin, mayGroupRead: true });
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'silent' });
  } catch {
    // Falls through to the one error: what the parser says repeats the file.
  }
  const { success, data } = CREDENTIALS.safeParse(value);
  if (success) return data;
  throw new BivdiffError('invalid-argument', `${origin}: ${path} has not just user and password`);
}

function fileOf(
  flags: FlagValues,
  name: string,
  from: { readonly variable: SecurityVariable; readonly environment: CliEnvironment },
): string | undefined {
  const { variable, environment } = from;
  const path = valueOf(flags, name) ?? environment.variable(variable);
  return path === undefined ? undefined : resolve(environment.folder, path);
}

function valueOf(flags: FlagValues, name: string): string | undefined {
  const value = (flags as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
}
