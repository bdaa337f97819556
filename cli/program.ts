// The command line as a whole: its commands, and what becomes of what goes wrong. Reads the world only through the
// environment that it is given, so tests can run it inside their own process.

import { Command, CommanderError } from 'commander';

import { BivdiffError } from '../common/errors.ts';
import { addCompareCommand } from './commands/compare.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addFarmProgramCommands } from './commands/farm/farm-programs.ts';
import { addFetchCommand } from './commands/farm/fetch.ts';
import { addJobLogCommands } from './commands/farm/job-logs.ts';
import { addJobCommands } from './commands/farm/jobs.ts';
import { addModelsCommands } from './commands/models.ts';
import { addPlanCommand } from './commands/plan.ts';
import { addPreflightCommands } from './commands/farm/preflight.ts';
import { addProbeCommand } from './commands/probe.ts';
import { addRenderCommand } from './commands/render.ts';
import { addRoundtripCommand } from './commands/roundtrip.ts';
import { addSecurityCommands } from './commands/farm/security.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStoreCommands } from './commands/store.ts';
import { addSubmitCommand } from './commands/farm/submit.ts';
import { addUpCommand } from './commands/farm/up.ts';
import { addUploadCommand } from './commands/farm/upload.ts';
import { addSweepCommand } from './commands/sweep.ts';
import { programVersions } from './versions.ts';
import { EXIT_OK } from './output/exit-codes.ts';
import { reportError } from './terminal.ts';
import type { CliEnvironment } from './terminal.ts';

const OVERVIEW = `
Examples:
  bivdiff render --task controlnet --control canny --input clip.mp4 --frames 8 --stride 4 \\
    --prompt "a red square" --output out.mp4
  bivdiff sweep --mixing-ratio 0,0.5,1 --task controlnet --input clip.mp4 --prompt "a red square" --output sweep/
  bivdiff up --workers 2          # a farm on this machine; then, in another terminal:
  bivdiff submit --task controlnet --input clip.mp4 --prompt "a red square"
  bivdiff doctor

Settings from the environment: BIVDIFF_STORE (the store), BIVDIFF_SERVER (a farm's
coordinator), BIVDIFF_NATS (its NATS server), BIVDIFF_TOKEN (who you are there), NO_COLOR, BIVDIFF_DEBUG=1 (stacks in errors).
Exit codes: 0 done, 1 failed, 2 something in the command or its files is wrong, 130 stopped by Ctrl-C.`;

/** Runs one command line, without the program's name. Gives the exit code; never throws. */
export async function runCommandLine(
  words: readonly string[],
  environment: CliEnvironment,
): Promise<number> {
  let exitCode = EXIT_OK;
  const program = createProgram(environment, (code) => (exitCode = code));
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (reason) {
    if (reason instanceof CommanderError && reason.exitCode === 0) return EXIT_OK;
    return reportError(errorOf(reason), environment, { json: words.includes('--json') });
  }
}

/** All commands. `finish` takes the exit code of the one that runs. */
export function createProgram(
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): Command {
  const program = new Command('bivdiff')
    .description('Render video with an image model and a video model, and no training')
    .version(programVersions()['bivdiff'] ?? 'unknown', '--version', 'Print the version')
    .helpOption('-h, --help', 'Show help')
    .addHelpText('after', OVERVIEW);
  addRenderCommand(program, environment, finish);
  addPlanCommand(program, environment, finish);
  addSweepCommand(program, environment, finish);
  addCompareCommand(program, environment, finish);
  addProbeCommand(program, environment, finish);
  addRoundtripCommand(program, environment, finish);
  addModelsCommands(program, environment, finish);
  addStoreCommands(program, environment, finish);
  addFarmProgramCommands(program, environment, finish);
  addUpCommand(program, environment, finish);
  addPreflightCommands(program, environment, finish);
  addSubmitCommand(program, environment, finish);
  addUploadCommand(program, environment, finish);
  addJobCommands(program, environment, finish);
  addFetchCommand(program, environment, finish);
  addJobLogCommands(program, environment, finish);
  addSecurityCommands(program, environment, finish);
  addSimulateCommand(program, environment, finish);
  addDoctorCommand(program, environment, finish);
  addCompletionCommand(program, environment, finish);
  // Help texts are one sentence each: a capital first, no full stop at the end. A test holds all of them to it.
  for (const command of allCommands(program)) configure(command, environment);
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function configure(command: Command, { stdout, stderr }: CliEnvironment): void {
  command
    .exitOverride()
    .helpCommand(false)
    .helpOption('-h, --help', 'Show help')
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      // Help after a mistake; the mistake itself is reported as every other error is.
      writeErr: (text) => void stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => stderr.columns(),
      getErrHelpWidth: () => stderr.columns(),
    });
}

function errorOf(reason: unknown): BivdiffError {
  if (!(reason instanceof CommanderError)) return BivdiffError.from(reason);
  const [first = '', ...rest] = reason.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const hint =
    suggestion === undefined
      ? 'bivdiff --help shows what there is.'
      : `Did you mean ${suggestion}?`;
  if (reason.code === 'commander.help') {
    return new BivdiffError('invalid-argument', 'a subcommand is missing', { hint });
  }
  return new BivdiffError('invalid-argument', first, { hint });
}
