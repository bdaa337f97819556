// Goal: a farm that is closed to strangers works for those it knows, and says no secret to anybody. Method: real programs, all with TLS:
// nats-server with the configuration that we write, a coordinator with tokens, a worker without models or a disk in common, clients.

import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Worker } from '../../../common/gen/bivdiff/v1/render_service.ts';
import { createToken } from '../../../coordinator/rpc/access/token-book.ts';
import { makeCertificates } from '../../support/network/certificates.ts';
import type { Certificates } from '../../support/network/certificates.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { CliRun } from '../../support/cli-process.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { freePort } from '../../support/network/ports.ts';
import { startSecuredNats } from '../../support/network/secured-nats.ts';
import type { SecuredNats } from '../../support/network/secured-nats.ts';

const root = join(import.meta.dirname, '../../..');
const JOB = [
  ...['--task', 'controlnet', '--input', join(root, 'examples/source.mp4'), '--frames', '4'],
  ...['--stride', '1', '--steps', '2', '--size', '64x64', '--prompt', 'a green star'],
];
const PASSWORDS = { coordinator: 'password-of-coordinator', worker: 'password-of-the-worker' };
const TOKENS = {
  ...{ alice: createToken(), bob: createToken() },
  ...{ worker: createToken(), ops: createToken() },
};

let certificates: Certificates;
let folder: string;
let nats: SecuredNats;
let server: string;
const programs: ChildProcess[] = [];
/** All that any program has said. */
let said = '';

beforeAll(async () => {
  certificates = await makeCertificates();
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-secured-'));
  const { server: pair, ca } = certificates;
  nats = await startSecuredNats({
    users: [
      { user: 'coordinator', role: 'coordinator', password: PASSWORDS.coordinator },
      { user: 'worker', role: 'worker', password: PASSWORDS.worker },
    ],
    tls: { ...pair, clientCa: ca },
  });
  const tokens = join(folder, 'tokens.yaml');
  const entry = (name: keyof typeof TOKENS, role: string) => ({
    ...{ sha256: TOKENS[name].sha256, owner: name, roles: [role] },
  });
  const owners = [entry('alice', 'submit'), entry('bob', 'submit'), entry('ops', 'operate')];
  const entries = [...owners, entry('worker', 'worker')];
  await writeFile(tokens, JSON.stringify({ tokens: entries }), { mode: 0o600 });
  const port = await freePort();
  server = `grpcs://127.0.0.1:${port}`;
  run(
    [
      'coordinator',
      '--listen',
      `127.0.0.1:${port}`,
      '--store',
      join(folder, 'store'),
      ...natsFlags(),
    ]
      .concat(['--tls-cert', pair.cert, '--tls-key', pair.key, '--tls-client-ca', ca])
      .concat(['--tokens', tokens]),
    { BIVDIFF_NATS_USER: 'coordinator', BIVDIFF_NATS_PASSWORD: PASSWORDS.coordinator },
  );
  startWorker('first', ['idm', 'vdm']);
  startWorker('mixer', ['mixer']);
});
afterAll(async () => {
  for (const program of programs) await killed(program);
  await nats.close();
  await certificates.remove();
  await rm(folder, { recursive: true, force: true });
});

describe('a farm with TLS, tokens and permissions', () => {
  it('renders for an owner, and another owner sees nothing of it', async () => {
    await expect.poll(async () => (await workers()).length, POLL).toBe(2);
    const submitted = await ask('alice', ['submit', ...JOB, '--json']);
    expect(submitted.code, submitted.stderr + said).toBe(0);
    const { job } = JSON.parse(submitted.stdout) as { job: string };
    const watched = await ask('alice', ['watch', job, '--quiet']);
    expect(watched.code, watched.stderr + said).toBe(0);
    // Latents went from worker to worker, by TLS. Beats say so with a delay.
    const mixer = async () => (await workers()).find(({ name }) => name === 'mixer')!;
    await expect.poll(async () => (await mixer()).gatherHits, POLL).toBeGreaterThan(0);
    expect(await mixer()).toMatchObject({
      address: expect.stringMatching(/^grpcs:/) as string,
      gatherFallbacks: 0,
    });
    const output = join(folder, 'out.mp4');
    const fetched = await ask('alice', ['fetch', job, '--output', output]);
    expect(fetched.code, fetched.stderr).toBe(0);
    await access(output);
    for (const words of [
      ['get', job],
      ['cancel', job],
      ['fetch', job, '--output', output],
    ]) {
      expect((await ask('bob', words)).stderr).toContain(`no job ${job}`);
    }
    expect((await ask('bob', ['list'])).stdout).toBe('');
    expect((await ask('alice', ['workers'])).stderr).toContain('needs role operate');
  });

  it('lets nobody in who has no token, no certificate, or the wrong ones', async () => {
    expect((await ask(undefined, ['list'])).stderr).toContain('wants a token');
    const stranger = { BIVDIFF_TOKEN: createToken().token };
    expect((await cli(['list', ...clientFlags()], stranger)).stderr).toContain('not known here');
    const trusting = ['--server', server, '--tls-ca', certificates.ca];
    const bare = await cli(['list', ...trusting], { BIVDIFF_TOKEN: TOKENS.alice.token });
    expect(bare.code).not.toBe(0);
    const doubting = await cli(['list', '--server', server], { BIVDIFF_TOKEN: TOKENS.alice.token });
    expect(doubting.stderr).toContain('certificate');
  });

  it('reads its tokens again when they change, and keeps them where the new ones cannot be used', async () => {
    const tokens = join(folder, 'tokens.yaml');
    const before = await readFile(tokens, 'utf8');
    const carol = createToken();
    const asCarol = () => cli(['list', ...clientFlags()], { BIVDIFF_TOKEN: carol.token });
    expect((await asCarol()).stderr).toContain('not known here');
    const { tokens: entries } = JSON.parse(before) as { tokens: { owner: string }[] };
    const added = { sha256: carol.sha256, owner: 'carol', roles: ['read'] };
    const withoutBob = entries.filter(({ owner }) => owner !== 'bob');
    await writeFile(tokens, JSON.stringify({ tokens: [...withoutBob, added] }));
    await expect.poll(async () => (await asCarol()).code, POLL).toBe(0);
    expect((await ask('bob', ['list'])).stderr).toContain('not known here');
    await writeFile(tokens, 'tokens: []');
    await expect.poll(() => said, POLL).toContain('the tokens of before still hold');
    expect((await asCarol()).code).toBe(0);
    await writeFile(tokens, before);
    await expect.poll(async () => (await ask('bob', ['list'])).code, POLL).toBe(0);
    expect((await asCarol()).stderr).toContain('not known here');
  });

  it('has said no token and no password, in no log and no error, with or without stacks', async () => {
    await cli(['list', '--server', server], {
      BIVDIFF_TOKEN: TOKENS.alice.token,
      BIVDIFF_DEBUG: '1',
    });
    const refused = await cli(
      ['worker', '--pool', 'idm', '--store', join(folder, 'store'), ...natsFlags()],
      {
        BIVDIFF_NATS_USER: 'worker',
        BIVDIFF_NATS_PASSWORD: 'a-wrong-one-for-worker',
        BIVDIFF_DEBUG: '1',
      },
    );
    expect(refused.stderr).toContain('does not let us in');
    expect(said).toContain('coordinator listens');
    expect(said).toContain('call refused');
    expect(nats.log()).not.toMatch(/permissions violation/i);
    const secrets = [
      ...Object.values(PASSWORDS),
      ...Object.values(TOKENS).map(({ token }) => token),
      'a-wrong-one-for-worker',
    ];
    for (const secret of secrets) expect(said + nats.log()).not.toContain(secret);
  });
});

const POLL = { timeout: 60_000, interval: 500 };

function natsFlags(): string[] {
  const { ca, client } = certificates;
  const tls = ['--nats-tls-ca', ca, '--nats-tls-cert', client.cert, '--nats-tls-key', client.key];
  return ['--nats', `tls://127.0.0.1:${nats.port}`, ...tls];
}

function tlsFlags(): string[] {
  const { ca, client } = certificates;
  return ['--tls-ca', ca, '--tls-cert', client.cert, '--tls-key', client.key];
}

function clientFlags(): string[] {
  return ['--server', server, ...tlsFlags()];
}

function startWorker(name: string, pools: readonly string[]): void {
  run(
    ['worker', '--name', name, '--store', server, '--threads', '1', ...natsFlags()].concat(
      [...tlsFlags(), '--serve-tls', '--no-models', '--cache', join(folder, 'cache', name)],
      pools.flatMap((pool) => ['--pool', pool]),
    ),
    {
      BIVDIFF_NATS_USER: 'worker',
      BIVDIFF_NATS_PASSWORD: PASSWORDS.worker,
      BIVDIFF_TOKEN: TOKENS.worker.token,
    },
  );
}

async function workers(): Promise<readonly Worker[]> {
  const { code, stdout } = await ask('ops', ['workers', '--json']);
  return code === 0 ? (JSON.parse(stdout) as { workers: readonly Worker[] }).workers : [];
}

function run(words: readonly string[], env: NodeJS.ProcessEnv): void {
  const child = startCli(words, env);
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  programs.push(child);
}

async function cli(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  const ended = await endOfCli(startCli(words, env));
  said += ended.stdout + ended.stderr;
  return ended;
}

function ask(
  owner: 'alice' | 'bob' | 'ops' | undefined,
  words: readonly string[],
): Promise<CliRun> {
  const env = owner === undefined ? {} : { BIVDIFF_TOKEN: TOKENS[owner].token };
  return cli([...words, ...clientFlags()], env);
}
