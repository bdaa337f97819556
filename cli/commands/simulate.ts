// `bivdiff simulate`: how a farm would do, told by running its coordinator in virtual time. The simulation is loaded when it is run.

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { plural } from '../output/format.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import { camelCase } from '../flags/find-flag.ts';
import type { BlockRun } from '../simulation/block-sizes.ts';
import type { Scenario } from '../../coordinator/simulation/scenario.ts';
import type { SimulationResult } from '../../coordinator/simulation/simulation-result.ts';
import { describeSetting, NUMBER_SETTINGS } from '../simulation/settings.ts';
import { printJson } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

interface SimulateFlags {
  readonly long?: string;
  readonly blockSizes?: string;
  readonly pool?: string[];
  readonly balance?: boolean;
  readonly stragglers?: string;
  readonly owners?: string;
  readonly priorities?: string;
  readonly classes?: string;
  readonly json?: boolean;
  readonly [name: string]: unknown;
}

const EXAMPLES = `
Examples:
  bivdiff simulate --workers 10000 --jobs 1000 --frames 1000 --idm 1 --mixer 10 --vdm 30
  bivdiff simulate --pool idm=20 --pool mixer=10 --pool vdm=40 --jobs 50 --failures 0.01 --deaths 2
  bivdiff simulate --jobs 40 --owners ann=3,bob=1 --priorities 0,50 --classes new=3,old=0
  bivdiff simulate scenario.yaml --seed 7 --json
  bivdiff simulate --jobs 1 --frames 512 --pool idm=8 --pool mixer=8 --pool vdm=8 --long co-denoise --overhead 0.015 --block-sizes 1,2,4

A scenario file, YAML or JSON, has the names of the flags for keys; flags go before it:
  pools: { idm: 100, mixer: { workers: 20, slots: 2 }, vdm: { workers: 80, speed: 1.5 } }
  jobs: 50
  frame-batch: 8
  stragglers: 0.01x5`;

/** Adds the command. `finish` takes the exit code. */
export function addSimulateCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('simulate')
    .summary('Tell how a farm would do')
    .description(
      'Run the coordinator in virtual time with simulated workers: how long jobs take, how far that is from the least possible, where time is lost, and what one coordinator can carry',
    )
    .argument('[scenario]', 'Scenario file, YAML or JSON');
  for (const setting of NUMBER_SETTINGS) {
    command.option(`--${setting.name} <${setting.value}>`, describeSetting(setting));
    if (setting.name !== 'workers') continue;
    command
      .option(
        '--pool <POOL=N>',
        'Workers of a pool, instead; once for each of idm, mixer, vdm',
        collect,
      )
      .option(
        '--balance',
        'Share the workers of all pools out as the work is (default with --workers)',
      );
  }
  command
    .option(
      '--stragglers <SHARExFACTOR>',
      'Slow attempts: 0.01x5 means that one in 100 takes 5 times as long (default: none)',
    )
    .option(
      '--owners <NAME=WEIGHT,...>',
      'Who submits; jobs are dealt out by weight (default: one)',
    )
    .option('--priorities <N,...>', 'Priorities, dealt out to jobs in turn (default: all the same)')
    .option(
      '--classes <NAME=SHARE,...>',
      'Numerics classes, dealt out to jobs in turn and to workers by share; 0: nobody serves it (default: one)',
    )
    .option(
      '--long <HOW>',
      'How windows come together: co-denoise, blend or independent (default: independent)',
    )
    .option(
      '--block-sizes <N,...>',
      'Simulate long co-denoise with so many windows a task (1 to 64), one after the other, and say which size is done first',
    )
    .option('--json', 'Print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, flags: SimulateFlags) => {
      finish(await simulateScenario(file, flags, environment));
    });
}

async function simulateScenario(
  file: string | undefined,
  flags: SimulateFlags,
  environment: CliEnvironment,
): Promise<number> {
  const { stdout, folder } = environment;
  const { readScenario } = await import('../simulation/read-scenario.ts');
  const { simulationJson, simulationText } = await import('../simulation/report.ts');
  if (flags.blockSizes !== undefined) return compareBlocks(file, flags, environment);
  const scenario = await readScenario(file, settingsOf(flags), { folder });
  const result = await runScenario(scenario, environment);
  const report = { scenario, result, peakMemoryBytes: environment.peakMemoryBytes() };
  if (flags.json === true) printJson(stdout, simulationJson(report));
  else stdout.write(simulationText(report));
  return EXIT_OK;
}

/** The same scenario once for each size. All sizes are checked before the first is run. */
async function compareBlocks(
  file: string | undefined,
  flags: SimulateFlags,
  environment: CliEnvironment,
): Promise<number> {
  const { readScenario } = await import('../simulation/read-scenario.ts');
  const { blocksJson, blockSizesOf, blocksText } = await import('../simulation/block-sizes.ts');
  const scenarios: Scenario[] = [];
  const flagNames = { 'window-block': '--block-sizes' };
  // Blocks are of windows that agree; a scenario that says otherwise contradicts.
  const defaults = { long: 'co-denoise' };
  const { folder } = environment;
  for (const size of blockSizesOf(flags.blockSizes!, flags['windowBlock'])) {
    const settings = { ...settingsOf(flags), 'window-block': size };
    scenarios.push(await readScenario(file, settings, { folder, flagNames, defaults }));
  }
  const runs: BlockRun[] = [];
  for (const scenario of scenarios) {
    runs.push({ scenario, result: await runScenario(scenario, environment) });
  }
  if (flags.json === true) printJson(environment.stdout, blocksJson(runs));
  else environment.stdout.write(blocksText(runs));
  return EXIT_OK;
}

async function runScenario(
  scenario: Scenario,
  { stderr, clock, interruption }: CliEnvironment,
): Promise<SimulationResult> {
  const { simulate } = await import('../../coordinator/simulation/simulate.ts');
  const result = await simulate({
    scenario,
    realMs: () => clock.nowMs(),
    signal: interruption(),
    onProgress: ({ virtualSeconds, jobsOver }) => {
      if (!stderr.isTty) return;
      const jobs = `${jobsOver} of ${plural(scenario.jobs, 'job')}`;
      stderr.write(`\r${virtualSeconds.toFixed(1)} s of virtual time, ${jobs} over\u001b[K`);
    },
  });
  if (stderr.isTty) stderr.write('\r\u001b[K');
  return result;
}

/** The flags under the keys of a scenario file. */
function settingsOf(flags: SimulateFlags): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const { name } of NUMBER_SETTINGS) settings[name] = flags[camelCase(name)];
  return {
    ...settings,
    long: flags.long,
    pools: flags.pool === undefined ? undefined : poolsOf(flags.pool),
    balance: flags.balance,
    stragglers: flags.stragglers,
    ...{ owners: flags.owners, priorities: flags.priorities, classes: flags.classes },
  };
}

/** @throws invalid-argument — not POOL=N */
function poolsOf(words: readonly string[]): Record<string, string> {
  const pools: Record<string, string> = {};
  for (const word of words) {
    const [, pool, workers] = /^([a-z]+)=(\d+)$/.exec(word) ?? [];
    if (pool === undefined || workers === undefined) {
      throw new BivdiffError('invalid-argument', `--pool: expected POOL=N, got "${word}"`, {
        hint: 'Write it as in --pool idm=20 --pool mixer=10 --pool vdm=40',
      });
    }
    pools[pool] = workers;
  }
  return pools;
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}
