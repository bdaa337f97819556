// What keeps a farm from being open by mistake: addresses, files that others can read, secrets in the wrong place.

import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { accessOf, checkNatsUrl, natsAccessOf } from '../../../../cli/flags/connection.ts';
import { securityOf } from '../../../../cli/programs/security/coordinator-security.ts';
import { limitsOf } from '../../../../cli/flags/limit-flags.ts';
import { natsConfigText, readNatsUsers } from '../../../../cli/farm/nats-config.ts';
import { checkListenAddress } from '../../../../cli/flags/farm-settings.ts';
import { runCommandLine } from '../../../../cli/program.ts';
import type { CliEnvironment, PodVariable, SecurityVariable } from '../../../../cli/terminal.ts';
import { DEFAULT_LIMITS } from '../../../../common/rpc/farm-limits.ts';
import { openChannel } from '../../../../common/rpc/channel.ts';
import { failureOf } from '../../../support/conformance/store/use-store.ts';
import { createSampleEnvironment } from '../sample-environment.ts';

const SECRET = 'bivdiff_the-secret-of-this-test';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-security-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

function environmentOf(
  variables: Partial<Record<SecurityVariable | PodVariable, string>> = {},
): CliEnvironment {
  return createSampleEnvironment({ folder, variable: (name) => variables[name] });
}

describe('the address to listen on', () => {
  const none = {
    flag: '--listen',
    ...{ hasTls: false, hasTokens: false, isInsecureAllowed: false },
  } as const;
  it.each(['127.0.0.1:1', '127.9.9.9:1', 'localhost:1', '[::1]:1'])('may be %s', (address) => {
    checkListenAddress(address, none);
  });

  it.each(['0.0.0.0:1', '10.0.0.1:1', '[::]:1', 'farm.example:1', '127.evil.example:1'])(
    'may be %s with TLS and tokens, or on demand',
    (address) => {
      expect(() => checkListenAddress(address, none)).toThrow('no TLS and no tokens');
      expect(() => checkListenAddress(address, { ...none, hasTls: true })).toThrow('no tokens');
      expect(() => checkListenAddress(address, { ...none, hasTokens: true })).toThrow('no TLS');
      checkListenAddress(address, { ...none, hasTls: true, hasTokens: true });
      checkListenAddress(address, { ...none, isInsecureAllowed: true });
    },
  );

  it('is refused to a worker that would serve its peers beyond loopback', async () => {
    const environment = createSampleEnvironment({ folder });
    const worker = ['worker', '--pool', 'vdm', '--serve', '10.0.0.1:0'];
    expect(await runCommandLine(worker, environment)).toBe(2);
    expect(environment.written.stderr).toContain('--serve: 10.0.0.1:0 is not loopback');
  });
});

describe('a file of secrets', () => {
  const text = `tokens: [{ sha256: ${'a'.repeat(64)}, owner: a, roles: [read] }]`;
  it.each([0o640, 0o604, 0o620, 0o644, 0o660])(
    'is refused at mode %o, where it is the farm’s tokens',
    async (mode) => {
      const tokens = await file('tokens.yaml', text, mode);
      const at = { listen: '127.0.0.1:1', environment: environmentOf() };
      const error = await failureOf(securityOf({ tokens }, at), 'permission-denied');
      expect(error.hint).toBe(`Close it to others: chmod 600 ${tokens}`);
    },
  );

  it('is read at mode 600', async () => {
    const tokens = await file('tokens.yaml', text);
    const at = { listen: '127.0.0.1:1', environment: environmentOf() };
    expect((await securityOf({ tokens }, at)).tokens).toBeDefined();
  });

  it('is refused to be everybody’s, where it is a client’s', async () => {
    const open = await file('open', SECRET, 0o644);
    await failureOf(accessOf({ tokenFile: open }, environmentOf()), 'permission-denied');
    await failureOf(accessOf({ tokenFile: 'nowhere' }, environmentOf()), 'not-found');
    const mounted = await file('mounted', `${SECRET}\n`, 0o440);
    expect((await accessOf({ tokenFile: mounted }, environmentOf())).token).toBe(SECRET);
  });
});

describe('a client', () => {
  it('takes its token from a flag’s file first, then from the environment', async () => {
    const path = await file('token', 'from-the-file');
    const other = await file('other', 'from-the-other');
    const variables = { BIVDIFF_TOKEN: 'from-the-variable', BIVDIFF_TOKEN_FILE: other };
    const both = await accessOf({ tokenFile: path }, environmentOf(variables));
    expect(both.token).toBe('from-the-file');
    expect((await accessOf({}, environmentOf(variables))).token).toBe('from-the-variable');
    const named = await accessOf({}, environmentOf({ BIVDIFF_TOKEN_FILE: other }));
    expect(named.token).toBe('from-the-other');
    expect((await accessOf({}, environmentOf())).token).toBeUndefined();
  });

  it('does not send a token in the clear to another machine', async () => {
    const at = { server: 'farm.example:7180', origin: '--server', token: SECRET };
    const error = await failureOf(openChannel(at), 'failed-precondition');
    expect(JSON.stringify(error)).not.toContain(SECRET);
    await failureOf(openChannel({ ...at, server: '127.evil.example:1' }), 'failed-precondition');
    await openChannel({ ...at, isInsecureAllowed: true });
    await openChannel({ ...at, server: 'grpcs://farm.example:7180' });
    await openChannel({ ...at, server: '127.0.0.1:7180' });
  });

  it.each(['', 'farm', 'http://farm:1', 'farm:1/path', 'user@farm:1', 'grpc://', 'farm:x'])(
    'refuses address %j',
    async (server) => {
      await failureOf(openChannel({ server, origin: '--server' }), 'invalid-argument');
    },
  );

  it('refuses a token that is no word, without repeating it', async () => {
    for (const token of [`${SECRET}\nx: y`, `${SECRET} `, '']) {
      const opening = openChannel({ server: '127.0.0.1:1', origin: '--server', token });
      const error = await failureOf(opening, 'invalid-argument');
      expect(JSON.stringify(error)).not.toContain(SECRET);
    }
  });

  it('has no flag for the token itself', async () => {
    const environment = createSampleEnvironment();
    expect(await runCommandLine(['list', '--token', SECRET], environment)).toBe(2);
    expect(environment.written.stderr).toContain('--token');
    expect(environment.written.stderr).not.toContain(SECRET);
  });
});

describe('access to NATS', () => {
  it('comes from a file or from two variables', async () => {
    const path = await file('nats.yaml', 'user: worker\npassword: secret-1\n');
    const fromFile = await natsAccessOf({ natsCredentials: path }, environmentOf());
    expect(fromFile).toEqual({ user: 'worker', password: 'secret-1' });
    const variables = { BIVDIFF_NATS_USER: 'w', BIVDIFF_NATS_PASSWORD: 'p' };
    expect(await natsAccessOf({}, environmentOf(variables))).toEqual({ user: 'w', password: 'p' });
    expect(await natsAccessOf({}, environmentOf())).toEqual({});
  });

  it('is refused in halves, in the wrong form, or in a URL; and never repeated', async () => {
    const half = environmentOf({ BIVDIFF_NATS_PASSWORD: SECRET });
    const bad = await file('nats.yaml', `user: worker\npassword: [${SECRET}`);
    const extra = await file('more.yaml', `user: w\npassword: p\n${SECRET}: 1`);
    for (const failing of [
      () => natsAccessOf({}, half),
      () => natsAccessOf({ natsCredentials: bad }, environmentOf()),
      () => natsAccessOf({ natsCredentials: extra }, environmentOf()),
      () => natsAccessOf({ natsTlsCert: bad }, environmentOf()),
    ]) {
      expect(JSON.stringify(await failureOf(failing(), 'invalid-argument'))).not.toContain(SECRET);
    }
    for (const url of [`nats://w:${SECRET}@h:1`, `${SECRET}@h:1`, `tls://${SECRET}@h`]) {
      const failing = Promise.resolve().then(() => checkNatsUrl(url));
      expect(JSON.stringify(await failureOf(failing, 'invalid-argument'))).not.toContain(SECRET);
    }
    expect(checkNatsUrl('nats://127.0.0.1:4222')).toBe('nats://127.0.0.1:4222');
  });
});

describe('nats-config', () => {
  const plain = 'a-plain-password-1';
  const hash = `$2a$11$${'a'.repeat(53)}`;

  it('writes a file that only its owner reads, and says when it has plain passwords', async () => {
    const users = [
      { user: 'coordinator', role: 'coordinator', password: hash },
      { user: 'w1', role: 'worker', password: plain },
    ];
    const path = await file('users.yaml', JSON.stringify({ users }));
    const out = await file('nats.conf', 'older', 0o644);
    const environment = createSampleEnvironment({ folder });
    const words = ['nats-config', '--users', path, '--out', out];
    expect(await runCommandLine(words, environment)).toBe(0);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect(environment.written.stderr).toContain('plain passwords');
    expect(environment.written.stderr).not.toContain(plain);
  });

  it('refuses users files with problems, all at once, and repeats no password', async () => {
    const users = [
      { user: 'a b', role: 'king', password: 'short' },
      { user: 'w', role: 'worker', password: `${SECRET} with spaces` },
    ];
    const path = await file('users.yaml', JSON.stringify({ users }));
    const error = await failureOf(readNatsUsers(path), 'invalid-argument');
    expect(error.details['problems']).toHaveLength(4);
    expect(JSON.stringify(error)).not.toContain(SECRET);
    const open = await file('open.yaml', JSON.stringify({ users: [] }), 0o640);
    await failureOf(readNatsUsers(open), 'permission-denied');
  });

  it('keeps each text inside its quotes', () => {
    const text = natsConfigText({
      listen: '127.0.0.1:4222',
      storeFolder: '/data/"x" } authorization { }',
      users: [{ user: 'w', role: 'worker', password: 'quote"inside-password' }],
    });
    expect(text).toContain('password: "quote\\"inside-password"');
    expect(text).toContain('store_dir: "/data/\\"x\\" } authorization { }"');
  });
});

describe('limits', () => {
  it('come from flags first, then from a settings file, then from the defaults', async () => {
    const settingsFile = await file('settings.yaml', 'limits: { frames: 10, watches: 3 }');
    const limits = await limitsOf({ flags: ['frames=20', 'pixels=5'], settingsFile });
    expect(limits).toEqual({ ...DEFAULT_LIMITS, frames: 20, pixels: 5, watches: 3 });
    expect(await limitsOf({ flags: [] })).toEqual(DEFAULT_LIMITS);
  });

  it('have all their problems told at once', async () => {
    const settingsFile = await file('settings.yaml', 'limits: { frames: 0, more: 1 }');
    const flags = ['frames', 'frames=-1', 'speed=3', 'pixels=0'];
    const error = await failureOf(limitsOf({ flags, settingsFile }), 'invalid-argument');
    expect(error.details['problems']).toHaveLength(6);
  });
});

describe('token create', () => {
  it('prints the token once, and the entry without it', async () => {
    const environment = createSampleEnvironment();
    const words = ['token', 'create', '--owner', 'alice', '--role', 'submit', '--quota', '4'];
    expect(await runCommandLine(words, environment)).toBe(0);
    const token = environment.written.stdout.trim();
    expect(token).toMatch(/^bivdiff_[\w-]{43}$/);
    expect(environment.written.stderr).toContain('"owner":"alice","roles":["submit"],"quota":4');
    expect(environment.written.stderr).not.toContain(token);
  });

  it.each([
    [['--owner', 'Alice Smith', '--role', 'read'], 'owner'],
    [['--owner', 'a', '--role', 'king'], 'roles'],
    [['--owner', 'a', '--role', 'read', '--weight', '-1'], 'weight'],
    [['--owner', 'a'], '--role'],
  ])('refuses %j', async (words, what) => {
    const environment = createSampleEnvironment();
    expect(await runCommandLine(['token', 'create', ...words], environment)).toBe(2);
    expect(environment.written.stderr).toContain(what);
    expect(environment.written.stdout).toBe('');
  });
});
