// `bivdiff doctor`: whether this machine has what a render takes, each thing tried for real, and what to do if not.

import type { Command } from 'commander';

import { formatTable } from '../output/format.ts';
import type { Finding } from '../local/doctor-checks.ts';
import { EXIT_FAILED, EXIT_OK } from '../output/exit-codes.ts';
import { addStoreFlag, storeFolderOf } from '../flags/store-flag.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { printJson } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

/** Adds the command. `finish` takes the exit code. */
export function addDoctorCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  addStoreFlag(program.command('doctor'))
    .summary('Check this machine')
    .description('Check this machine: Node, CPU, memory, GPU, ONNX Runtime, codecs, store, models')
    .option('--json', 'Print one JSON object on stdout')
    .addHelpText('after', '\nExit code 1 when something is missing that every render needs.')
    .action(async (typed: TypedFlags) => finish(await doctor(typed, environment)));
}

async function doctor(typed: TypedFlags, environment: CliEnvironment): Promise<number> {
  // Loads ONNX Runtime and the codecs, which no other command shall wait for.
  const { runChecks } = await import('../local/doctor-checks.ts');
  const findings = await runChecks({
    storeFolder: storeFolderOf(typed, environment),
    modelsFolder: environment.modelsFolder,
    signal: environment.interruption(),
  });
  const ok = findings.every(({ state }) => state !== 'fail');
  if (typed['json'] === true) printJson(environment.stdout, { ok, checks: findings });
  else environment.stdout.write(findingsText(findings));
  return ok ? EXIT_OK : EXIT_FAILED;
}

function findingsText(findings: readonly Finding[]): string {
  const rows = findings.map(({ state, name, found }) => [state, name, found]);
  const table = formatTable(['', 'what', 'found'], rows);
  const advice = findings
    .filter(({ advice }) => advice !== undefined)
    .map(({ name, advice }) => `${name}: ${advice ?? ''}\n`);
  return advice.length === 0 ? table : `${table}\n${advice.join('')}`;
}
