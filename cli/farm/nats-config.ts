// Writes the configuration of a farm's nats-server: JetStream, TLS, and users that may do what their program needs and no more.

import { parse } from 'yaml';
import { z } from 'zod';

import { NATS_ROLES, permissionsOf } from '../../common/bus/nats/index.ts';
import { BivdiffError } from '../../common/errors.ts';
import { readSecretFile } from '../../common/secret-file.ts';

/** As `nats server passwd`, mkpasswd and htpasswd -nB make them. */
const BCRYPT = /^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/;
/** The server wants long ones where they are in plain text. */
const PASSWORD_CHARACTERS_MIN = 16;

const USERS = z.strictObject({
  users: z
    .array(
      z.strictObject({
        user: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected letters, digits, "_" and "-"'),
        role: z.enum(NATS_ROLES),
        password: z
          .string()
          .min(PASSWORD_CHARACTERS_MIN)
          .regex(/^[\x21-\x7e]+$/, 'expected plain characters without spaces'),
      }),
    )
    .min(1),
});

export type NatsUser = z.infer<typeof USERS>['users'][number];

export interface NatsConfigOptions {
  readonly users: readonly NatsUser[];
  /** HOST:PORT. */
  readonly listen: string;
  /** Of the queues' messages and what JetStream keeps beside. */
  readonly storeFolder: string;
  readonly tls?:
    | {
        readonly cert: string;
        readonly key: string;
        /** Clients must have a certificate of it. */
        readonly clientCa?: string | undefined;
      }
    | undefined;
}

/** @throws invalid-argument — all problems; permission-denied — others may read it */
export async function readNatsUsers(path: string): Promise<readonly NatsUser[]> {
  const text = await readSecretFile(path, { origin: '--users' });
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'silent' });
  } catch {
    // What the parser says repeats a line of the file, in which a password may be.
  }
  const result = USERS.safeParse(value);
  const problems = (result.error?.issues ?? []).map(
    ({ path: where, code, message }) =>
      `${where.join('.') || 'the file'}: ${code === 'unrecognized_keys' ? 'has a key that is not known' : message}`,
  );
  const users = result.data?.users ?? [];
  if (new Set(users.map(({ user }) => user)).size < users.length) {
    problems.push('users: a name is there twice');
  }
  if (problems.length === 0) return users;
  throw new BivdiffError('invalid-argument', `${path}: ${problems.join('; ')}`, {
    hint: 'Write users: [{ user: coordinator, role: coordinator, password: ... }, { user: worker, role: worker, password: ... }]',
    details: { problems },
  });
}

/** Whether somebody who reads the configuration can log in with it. */
export function hasPlainPasswords(users: readonly NatsUser[]): boolean {
  return users.some(({ password }) => !BCRYPT.test(password));
}

/** The text of a file for `nats-server -c`. Keep it secret if it has plain passwords. */
export function natsConfigText(options: NatsConfigOptions): string {
  const { listen, storeFolder, tls, users } = options;
  return [
    '# A farm of bivdiff, written by `bivdiff nats-config`: write it anew after an update.',
    `listen: ${quoted(listen)}`,
    `jetstream { store_dir: ${quoted(storeFolder)} }`,
    ...(tls === undefined ? [] : tlsLines(tls)),
    'authorization {',
    '  users: [',
    ...users.flatMap(userLines),
    '  ]',
    '}',
    '',
  ].join('\n');
}

function tlsLines({ cert, key, clientCa }: NonNullable<NatsConfigOptions['tls']>): string[] {
  const client = clientCa === undefined ? [] : [`  ca_file: ${quoted(clientCa)}`, '  verify: true'];
  return ['tls {', `  cert_file: ${quoted(cert)}`, `  key_file: ${quoted(key)}`, ...client, '}'];
}

function userLines({ user, role, password }: NatsUser): string[] {
  const { publish, subscribe, mayRespond } = permissionsOf(role, user);
  return [
    `    { # ${role}`,
    `      user: ${quoted(user)}, password: ${quoted(password)}`,
    '      permissions: {',
    `        publish: { allow: [${publish.map(quoted).join(', ')}] }`,
    `        subscribe: { allow: [${subscribe.map(quoted).join(', ')}] }`,
    ...(mayRespond ? ['        allow_responses: true'] : []),
    '      }',
    '    }',
  ];
}

/** The server's configuration takes JSON's strings. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
