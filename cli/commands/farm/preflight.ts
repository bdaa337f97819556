// `bivdiff preflight coordinator|worker`: whether a program would find what it needs, before it runs. What starts programs for others, such as
// Kubernetes, shows what they say here better than why they crash.

import type { Command } from 'commander';

import { accessOf, addAccessFlags } from '../../flags/connection.ts';
import {
  checkPools,
  collect,
  count,
  COUNT_MAX,
  places,
  throwProblems,
  workerPlaces,
} from '../../flags/farm-program-flags.ts';
import { memoryBytesOf } from '../../flags/memory-flag.ts';
import type { ProgramFlags } from '../../flags/farm-program-flags.ts';
import { addStoreFlag, isRemoteStore } from '../../flags/store-flag.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import type { CliEnvironment } from '../../terminal.ts';

type Finish = (exitCode: number) => void;

interface PreflightFlags extends ProgramFlags {
  readonly farm: string;
  readonly waitSeconds?: string;
}

const WAIT_SECONDS_DEFAULT = 60;
const WAIT_SECONDS_MAX = 86_400;
const FARM_TEXT = 'Which farm: the same name for all of its programs';

export function addPreflightCommands(
  program: Command,
  environment: CliEnvironment,
  finish: Finish,
): void {
  const preflight = program
    .command('preflight')
    .summary("Check what a farm's program needs before it runs")
    .description("Check what a farm's program needs, before it runs: its store, its memory");
  addCoordinator(preflight, environment, finish);
  addWorker(preflight, environment, finish);
}

function addCoordinator(program: Command, environment: CliEnvironment, finish: Finish): void {
  addStoreFlag(program.command('coordinator'))
    .summary('Check the store, and mark it for workers')
    .description(
      'Check that the store keeps the first of a name, and leave a mark in it that workers look for',
    )
    .requiredOption('--farm <NAME>', FARM_TEXT)
    .option('--models <DIR>', 'Folder of the models (default: those that ship)')
    .action(async (flags: PreflightFlags) => {
      const { checkFarmName, leaveMark } = await import('../../programs/preflight/farm-mark.ts');
      const { needsOfModels } = await import('../../programs/preflight/model-needs.ts');
      const { openStore } = await import('../../../common/store/open-store.ts');
      const farm = checkFarmName(flags.farm);
      const { storeFolder, modelsFolder } = places(flags, environment);
      const needs = await needsOfModels(modelsFolder);
      const store = await openStore(storeFolder);
      try {
        await leaveMark(store, farm, needs);
      } finally {
        await store.close();
      }
      const sets = needs.map(({ set }) => set).join(', ');
      environment.stdout.write(`${storeFolder} is fit to be a store; models: ${sets}\n`);
      finish(EXIT_OK);
    });
}

function addWorker(program: Command, environment: CliEnvironment, finish: Finish): void {
  const store =
    'a folder, s3://BUCKET/PREFIX, or a coordinator: grpc://HOST:PORT, by TLS grpcs://HOST:PORT';
  addAccessFlags(addStoreFlag(program.command('worker'), store))
    .summary("Check that the store is the coordinator's, and that models fit")
    .description(
      "Check that the store is the coordinator's, and that the farm's models fit into the worker's memory",
    )
    .requiredOption('--farm <NAME>', FARM_TEXT)
    .option('--pool <POOL>', 'As of `bivdiff worker`', collect)
    .option('--memory-gib <N>', 'As of `bivdiff worker`; without it models are not looked at')
    .option('--slots <N>', 'As of `bivdiff worker`')
    .option(
      '--wait-seconds <N>',
      `How long a coordinator is waited for (1 to ${WAIT_SECONDS_MAX}; default: ${WAIT_SECONDS_DEFAULT})`,
    )
    .action(async (flags: PreflightFlags) => {
      await checkWorker(flags, environment);
      finish(EXIT_OK);
    });
}

async function checkWorker(flags: PreflightFlags, environment: CliEnvironment): Promise<void> {
  const { checkFarmName, checkFirstStays, seekMark } =
    await import('../../programs/preflight/farm-mark.ts');
  const { checkMemory } = await import('../../programs/preflight/model-needs.ts');
  const { openWorkerStore } = await import('../../programs/open-worker-store.ts');
  const problems: string[] = [];
  const pools = checkPools(flags.pool, problems);
  const slots = count('slots', flags.slots, 1, { problems, max: COUNT_MAX });
  const memoryBytes = memoryBytesOf(flags.memoryGib, problems);
  const bounds = { problems, max: WAIT_SECONDS_MAX };
  const waitSeconds = count('wait-seconds', flags.waitSeconds, WAIT_SECONDS_DEFAULT, bounds);
  throwProblems(problems);
  const farm = checkFarmName(flags.farm);
  const { storeFolder: place } = workerPlaces(flags, environment);
  const access = await accessOf(flags, environment);
  const signal = environment.interruption();
  const seeking = { farm, place, signal, waitMs: waitSeconds * 1000 };
  const { store, name, mark } = await seekMark(
    () => openWorkerStore(place, { access, signal }),
    seeking,
  );
  try {
    // Where the coordinator is the store, it alone puts documents.
    if (!isRemoteStore(place)) await checkFirstStays(store, name, place);
  } finally {
    await store.close();
  }
  if (memoryBytes !== undefined) {
    const ofSlot = Math.floor(memoryBytes / slots);
    for (const warning of checkMemory(mark.needs, { pools, memoryBytes: ofSlot })) {
      environment.stderr.write(`warning: ${warning}\n`);
    }
  }
  environment.stdout.write(`${place} is the store of ${farm}\n`);
}
