// `bivdiff coordinator` and `worker`: the programs of a farm. Their modules are loaded when they are run: help needs none of them.

import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

import type { Command } from 'commander';

import { cacheHome } from '../../../common/cache-home.ts';
import {
  accessOf,
  addAccessFlags,
  addNatsAccessFlags,
  natsAccessOf,
} from '../../flags/connection.ts';
import { limitsOf, LIMITS_TEXT } from '../../flags/limit-flags.ts';
import { memoryBytesOf } from '../../flags/memory-flag.ts';
import { NATS_DEFAULT, SERVER_DEFAULT } from '../../flags/farm-settings.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import { addStoreFlag } from '../../flags/store-flag.ts';
import type { CliEnvironment } from '../../terminal.ts';
import { checkNumerics } from '../../flags/numerics-flag.ts';
import { CHECKPOINT_SECONDS } from '../../../workers/stages/stage-environment.ts';
import {
  checkHttpAddress,
  checkpointSecondsOf,
  checkPools,
  collect,
  count,
  COUNT_MAX,
  DEVICE_DEFAULT,
  DEVICE_TEXT,
  devicesOfFlag,
  DRAIN_SECONDS,
  drainMsOf,
  keepJobsMsOf,
  heldBytesOf,
  places,
  SERVE_DEFAULT,
  serveAddress,
  throwProblems,
  workerPlaces,
} from '../../flags/farm-program-flags.ts';
import type { ProgramFlags } from '../../flags/farm-program-flags.ts';

type Finish = (exitCode: number) => void;

const CACHE_GIB_MAX = 100_000;
const HTTP_TEXT =
  'HOST:PORT for probes and Prometheus: /livez, /readyz, /startupz, /metrics (default: none)';
const CACHE_DEFAULT = 'bivdiff/models in $XDG_CACHE_HOME, else in ~/.cache';

export function addFarmProgramCommands(
  program: Command,
  environment: CliEnvironment,
  finish: Finish,
): void {
  addCoordinator(program, environment, finish);
  addWorker(program, environment, finish);
}

function addCoordinator(program: Command, environment: CliEnvironment, finish: Finish): void {
  addNatsAccessFlags(shared(program.command('coordinator')))
    .summary('Run the coordinator of a farm')
    .description('Run the coordinator of a farm: takes jobs, shares their tasks out, keeps watch')
    .option('--listen <ADDRESS>', `HOST:PORT for clients (default: ${SERVER_DEFAULT})`)
    .option(
      '--numerics <CLASS>',
      'Of the workers that shall run its jobs, as `bivdiff workers --json` shows it; `workers`: that of the workers that are there (default: that of this machine on cpu)',
    )
    .option('--keep-jobs <DAYS>', 'Delete jobs that are over for longer (default: keep for ever)')
    .option(
      '--tls-cert <FILE>',
      'Serve by TLS with this certificate, PEM (default: $BIVDIFF_TLS_CERT)',
    )
    .option('--tls-key <FILE>', 'Its key (default: $BIVDIFF_TLS_KEY)')
    .option(
      '--tls-client-ca <FILE>',
      'Take only clients with a certificate of it (default: $BIVDIFF_TLS_CLIENT_CA)',
    )
    .option(
      '--tokens <FILE>',
      'Who may do what: see `bivdiff token create` (default: $BIVDIFF_TOKENS)',
    )
    .option('--insecure', 'Allow an address that is not loopback, without TLS and tokens')
    .option(
      '--limit <NAME=VALUE>',
      `A limit of the farm; may be given several times (defaults: ${LIMITS_TEXT})`,
      collect,
    )
    .option('--http <ADDRESS>', HTTP_TEXT)
    .option(
      '--kubernetes <FILE>',
      'What it does on Kubernetes, YAML: leader election and more; see docs/kubernetes-settings.md',
    )
    .option('--settings <FILE>', 'The limits as `limits: { NAME: VALUE }`, YAML or JSON')
    .action(async (flags: ProgramFlags) => {
      checkNumerics(flags.numerics);
      const listen = flags.listen ?? SERVER_DEFAULT;
      const where = places(flags, environment);
      const natsAccess = await natsAccessOf(flags, environment);
      const { settings } = flags;
      const settingsFile =
        settings === undefined ? undefined : resolve(environment.folder, settings);
      const limits = await limitsOf({ flags: flags.limit ?? [], settingsFile });
      const { securityOf } = await import('../../programs/security/coordinator-security.ts');
      const security = await securityOf(flags, { listen, environment });
      const keepJobsMs = keepJobsMsOf(flags.keepJobs);
      const { http } = flags;
      checkHttpAddress(http);
      const { clusterPlaceOf } = await import('../../flags/cluster-place.ts');
      const place = await clusterPlaceOf(flags.kubernetes, environment);
      const signal = environment.interruption();
      const { runCoordinator } = await import('../../programs/coordinator-program.ts');
      const { createLog } = await import('../../programs/log.ts');
      const log = createLog(environment.stderr, 'coordinator');
      const { numerics } = flags;
      const settled = {
        ...{ natsAccess, security, limits, listen, numerics },
        ...{ keepJobsMs, http, place, log },
      };
      await runCoordinator({ ...where, ...settled }, signal);
      finish(EXIT_OK);
    });
}

function workerCommand(program: Command): Command {
  const command = shared(program.command('worker'), {
    store:
      'a folder, s3://BUCKET/PREFIX, or a coordinator: grpc://HOST:PORT, by TLS grpcs://HOST:PORT',
    models: 'Folder of models of this machine; others come from the store',
  });
  const insecure =
    'Send the token without TLS, also to another machine; and allow --serve on an address that is not loopback';
  return addNatsAccessFlags(addAccessFlags(command, { insecure }))
    .option('--no-models', 'Take all models from the store')
    .option('--cache <DIR>', `Where models from the store are kept (default: ${CACHE_DEFAULT})`)
    .option('--cache-gib <N>', `How large that may get (1 to ${CACHE_GIB_MAX}; default: 32)`)
    .summary('Run a worker of a farm')
    .description('Run a worker of a farm: pulls tasks of its pools and runs them')
    .option(
      '--serve <ADDRESS>',
      `HOST:PORT where it gives other workers what it made (default: ${SERVE_DEFAULT})`,
    )
    .option(
      '--serve-tls',
      'By mutual TLS: workers show --tls-cert to each other, and trust those that --tls-ca signed',
    )
    .option(
      '--held-gib <N>',
      'Disk for steps of long clips that it gives to others past the store (0: it stores all; default: 16)',
    )
    .option('--no-serve', 'Give other workers nothing: they use the store')
    .option(
      '--pool <POOL>',
      'Whose tasks it runs: idm, mixer or vdm; may be given several times',
      collect,
    )
    .option('--device <DEVICE>', DEVICE_TEXT)
    .option(
      '--memory-gib <N>',
      'What models and their runs may fill of the device (default: all of a GPU, half of main memory)',
    )
    .option('--name <NAME>', 'Unique on the farm (default: host and process id)')
    .option('--slots <N>', `Tasks at once (1 to ${COUNT_MAX}; default: 1)`)
    .option('--threads <N>', `Threads of each (1 to ${COUNT_MAX}; default: cores / slots)`)
    .option(
      '--checkpoint-seconds <N>',
      `How often a long task saves where it is, for whoever goes on with it (0: never; default: ${CHECKPOINT_SECONDS})`,
    )
    .option(
      '--drain-seconds <N>',
      `What runs may take so long to finish after SIGTERM or a drain (default: ${DRAIN_SECONDS})`,
    )
    .option(
      '--preload <SET>',
      'A set of --models to load before it takes tasks, or SET:fast where its renders are --fast; may be given several times',
      collect,
    )
    .option('--http <ADDRESS>', HTTP_TEXT)
    .addHelpText('after', '\nSIGTERM drains it: what runs is finished, or handed back.');
}

function addWorker(program: Command, environment: CliEnvironment, finish: Finish): void {
  workerCommand(program).action(async (flags: ProgramFlags) => {
    const problems: string[] = [];
    const pools = checkPools(flags.pool, problems);
    const slots = count('slots', flags.slots, 1, { problems });
    const devices = await devicesOfFlag(flags.device);
    const threads = Math.max(1, Math.floor(environment.cores / (slots * devices.length)));
    const threadsPerSlot = count('threads', flags.threads, threads, { problems });
    const gib = count('cache-gib', flags.cacheGib, 32, { problems, max: CACHE_GIB_MAX });
    const memoryBytes = memoryBytesOf(flags.memoryGib, problems);
    const heldBytesMax = heldBytesOf(flags.heldGib, problems);
    const checkpointSeconds = checkpointSecondsOf(flags.checkpointSeconds, problems);
    const drainMs = drainMsOf(flags.drainSeconds, problems);
    throwProblems(problems);
    const { http, preload = [] } = flags;
    checkHttpAddress(http);
    const serve = serveAddress(flags);
    const where = workerPlaces(flags, environment);
    const access = await accessOf(flags, environment);
    const natsAccess = await natsAccessOf(flags, environment);
    const { openPeerCredentials } = await import('../../programs/security/peer-credentials.ts');
    const peerCredentials =
      flags.serveTls === true ? await openPeerCredentials(access.tls) : undefined;
    const cacheFolder =
      flags.cache === undefined
        ? join(cacheHome(), 'models')
        : resolve(environment.folder, flags.cache);
    const signal = environment.interruption();
    const { runWorkers } = await import('../../programs/worker-fleet.ts');
    const name = flags.name ?? `${hostname()}-${process.pid}`;
    const { createLog } = await import('../../programs/log.ts');
    const log = createLog(environment.stderr, 'worker');
    const cacheBytesMax = gib * 2 ** 30;
    const [device = DEVICE_DEFAULT] = devices;
    const own = {
      name,
      pools,
      device,
      memoryBytes,
      slots,
      threadsPerSlot,
      checkpointSeconds,
      drainMs,
      preload,
      http,
      cacheFolder,
      cacheBytesMax,
      serve,
      heldBytesMax,
      peerCredentials,
      log,
    };
    const { stderr } = environment;
    await runWorkers(devices, { ...where, ...own, access, natsAccess, stderr }, signal);
    finish(EXIT_OK);
  });
}

function shared(
  command: Command,
  { store, models = 'Folder of the models' }: { store?: string; models?: string } = {},
): Command {
  return addStoreFlag(command, store)
    .option('--models <DIR>', `${models} (default: those that ship)`)
    .option('--nats <URL>', `The NATS server (default: $BIVDIFF_NATS, else ${NATS_DEFAULT})`);
}
