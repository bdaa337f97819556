// `bivdiff up`: a whole small farm on this machine. Its module is loaded when it is run: help needs none of it.

import { extname, join } from 'node:path';

import type { Command } from 'commander';

import { NODE_FLAGS } from '../../../common/node-flags.ts';
import { checkListenAddress, SERVER_DEFAULT } from '../../flags/farm-settings.ts';
import { memoryBytesOf } from '../../flags/memory-flag.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import { addStoreFlag } from '../../flags/store-flag.ts';
import type { CliEnvironment } from '../../terminal.ts';
import {
  count,
  COUNT_MAX,
  DEVICE_TEXT,
  places,
  throwProblems,
  UNGUARDED,
  upDevicesOf,
} from '../../flags/farm-program-flags.ts';
import type { ProgramFlags } from '../../flags/farm-program-flags.ts';

export function addUpCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const cores = String(environment.cores);
  addStoreFlag(program.command('up'))
    .summary('Run a whole small farm on this machine')
    .description('Run a whole small farm here: nats-server, a coordinator and workers of all pools')
    .option('--models <DIR>', 'Folder of the models (default: those that ship)')
    .option('--device <DEVICE>', DEVICE_TEXT)
    .option(
      '--workers <N>',
      `Worker processes (1 to ${COUNT_MAX}; default: 2, or one for each device)`,
    )
    .option('--slots <N>', `Tasks at once of each (1 to ${COUNT_MAX}; default: 1)`)
    .option('--threads <N>', `Threads of each task (default: cores / tasks at once; here ${cores})`)
    .option(
      '--memory-gib <N>',
      'What models and their runs may fill of the devices, in all workers (default: as of worker)',
    )
    .option('--listen <ADDRESS>', `HOST:PORT for clients (default: ${SERVER_DEFAULT})`)
    .option('--nats-port <PORT>', 'Port of the nats-server (default: any free one)')
    .addHelpText('after', '\nThen, in another terminal: bivdiff submit ... ; bivdiff watch JOB')
    .action(async (flags: ProgramFlags) => {
      const problems: string[] = [];
      const devices = await upDevicesOf(flags, problems);
      const workers = devices.length;
      const slots = count('slots', flags.slots, 1, { problems });
      const share = Math.max(1, Math.floor(environment.cores / (workers * slots)));
      const threads = count('threads', flags.threads, share, { problems });
      const memoryBytes = memoryBytesOf(flags.memoryGib, problems);
      const natsPort = flags.natsPort === undefined ? -1 : Number(flags.natsPort);
      const listen = flags.listen ?? SERVER_DEFAULT;
      throwProblems(problems);
      checkListenAddress(listen, { flag: '--listen', ...UNGUARDED, isInsecureAllowed: false });
      const signal = environment.interruption();
      const { runUp } = await import('../../programs/up.ts');
      const main = join(import.meta.dirname, `../../main${extname(import.meta.filename)}`);
      const { storeFolder, modelsFolder } = places(flags, environment);
      const { stdout, stderr } = environment;
      await runUp(
        {
          ...{ devices, slots, threads, listen, natsPort, storeFolder, modelsFolder },
          ...{ stdout, stderr, memoryBytes },
          program: [process.execPath, ...NODE_FLAGS, main],
        },
        signal,
      );
      finish(EXIT_OK);
    });
}
