// `bivdiff token create` and `bivdiff nats-config`: what an operator needs to close a farm to strangers.

import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../../common/errors.ts';
import type { Role } from '../../../coordinator/rpc/access/roles.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import { printJson } from '../../terminal.ts';
import type { CliEnvironment } from '../../terminal.ts';

type Finish = (exitCode: number) => void;

const ROLES_TEXT = 'read, submit, operate or worker';

interface TokenFlags {
  readonly owner: string;
  readonly role: string[];
  readonly weight?: string;
  readonly quota?: string;
  readonly priorityMax?: string;
  readonly json?: boolean;
}

interface NatsFlags {
  readonly users: string;
  readonly out: string;
  readonly listen: string;
  readonly storeDir: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
}

export function addSecurityCommands(
  program: Command,
  environment: CliEnvironment,
  finish: Finish,
): void {
  addTokenCreate(program, environment, finish);
  addNatsConfig(program, environment, finish);
}

function addTokenCreate(program: Command, environment: CliEnvironment, finish: Finish): void {
  program
    .command('token')
    .description('Make tokens for the clients of a farm')
    .command('create')
    .summary('Make a token')
    .description('Make a token: shown once, with the entry for the file of `coordinator --tokens`')
    .requiredOption('--owner <NAME>', 'Whose jobs its bearer has: a-z, 0-9, ".", "_", "-"')
    .requiredOption(
      '--role <ROLE>',
      `What its bearer may do: ${ROLES_TEXT}; may be given several times`,
      collect,
    )
    .option('--weight <X>', "The owner's share of the farm against others' (default: 1)")
    .option('--quota <N>', 'Tasks of the owner at once, at most (default: no bound)')
    .option(
      '--priority-max <N>',
      'The highest priority of its jobs, 0 to 100 (default: 100 with the role operate, else 50)',
    )
    .option('--json', 'Print one JSON object on stdout')
    .action(async (flags: TokenFlags) => {
      const { checkTokenEntry, createToken } =
        await import('../../../coordinator/rpc/access/token-book.ts');
      const { token, sha256 } = createToken();
      const entry = {
        ...{ sha256, owner: flags.owner, roles: flags.role as Role[] },
        ...(flags.weight === undefined ? {} : { weight: Number(flags.weight) }),
        ...(flags.quota === undefined ? {} : { quota: Number(flags.quota) }),
        ...(flags.priorityMax === undefined ? {} : { priorityMax: Number(flags.priorityMax) }),
      };
      // As the coordinator will read it.
      checkTokenEntry(entry, flagOfKey);
      if (flags.json === true) printJson(environment.stdout, { token, entry });
      else {
        environment.stdout.write(`${token}\n`);
        environment.stderr.write(
          `This is shown once. Add to the list "tokens:" of the coordinator's file (mode 600):\n  - ${JSON.stringify(entry)}\n`,
        );
      }
      finish(EXIT_OK);
    });
}

function flagOfKey(key: string): string {
  if (key === 'roles') return '--role';
  return key === 'priorityMax' ? '--priority-max' : `--${key}`;
}

function addNatsConfig(program: Command, environment: CliEnvironment, finish: Finish): void {
  program
    .command('nats-config')
    .summary('Write the configuration of a nats-server')
    .description(
      'Write a configuration for nats-server: TLS, and users that may do what their program needs and no more',
    )
    .requiredOption(
      '--users <FILE>',
      'Who there is, as users: [{ user, role, password }], YAML or JSON, mode 600',
    )
    .option('--out <FILE>', 'Where it goes; - is stdout', '-')
    .option('--listen <ADDRESS>', 'HOST:PORT', '127.0.0.1:4222')
    .option('--store-dir <DIR>', 'Where JetStream keeps its data', '/var/lib/nats/jetstream')
    .option('--tls-cert <FILE>', "The server's certificate, PEM")
    .option('--tls-key <FILE>', 'Its key')
    .option('--tls-client-ca <FILE>', 'Take only clients with a certificate of it')
    .addHelpText(
      'after',
      '\nRoles: coordinator, worker, observer. Passwords: better hashes, as `nats server passwd` or `htpasswd -nB` makes them, than plain ones.',
    )
    .action(async (flags: NatsFlags) => {
      const { hasPlainPasswords, natsConfigText, readNatsUsers } =
        await import('../../farm/nats-config.ts');
      const users = await readNatsUsers(resolve(environment.folder, flags.users));
      const tls = tlsOf(flags);
      const { listen, storeDir: storeFolder } = flags;
      const text = natsConfigText({ users, listen, storeFolder, tls });
      if (flags.out === '-') environment.stdout.write(text);
      else {
        const path = resolve(environment.folder, flags.out);
        // The mode counts only for a new file.
        await rm(path, { force: true });
        await writeFile(path, text, { mode: 0o600, flag: 'wx' });
      }
      if (hasPlainPasswords(users)) {
        environment.stderr.write(
          'It has plain passwords: keep it at mode 600, or put hashes (bcrypt) into the users file.\n',
        );
      }
      finish(EXIT_OK);
    });
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: NatsFlags) {
  if (tlsCert !== undefined && tlsKey !== undefined) {
    return { cert: tlsCert, key: tlsKey, clientCa: tlsClientCa };
  }
  if ([tlsCert, tlsKey, tlsClientCa].every((file) => file === undefined)) return undefined;
  throw new BivdiffError('invalid-argument', '--tls-cert and --tls-key go together');
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
