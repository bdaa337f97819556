// `bivdiff get`, `logs` and `delete`: one job, what happened to it, and its end in the books.

import type { Command } from 'commander';

import { BivdiffError } from '../../../common/errors.ts';
import type { LogLine } from '../../../common/gen/bivdiff/v1/job_log.ts';
import type { FarmClient } from '../../farm/farm-client.ts';
import { jobText, logText } from '../../farm/job-text.ts';
import type { TypedFlags } from '../../flags/render-flags.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import { printJson } from '../../terminal.ts';
import type { CliEnvironment } from '../../terminal.ts';
import { addClientFlags, withClient } from './jobs.ts';

type Finish = (exitCode: number) => void;

/** What `get` shows of what went wrong. */
const FAILURES_SHOWN = 5;
const FAILURE_KINDS: readonly string[] = ['failed', 'task-failed', 'task-lost', 'task-diverged'];
/** How long `logs --follow` looks for a coordinator that has gone away. */
const RECONNECT_MS = 60_000;
const RECONNECT_PAUSE_MS = 500;

export function addJobLogCommands(
  program: Command,
  environment: CliEnvironment,
  finish: Finish,
): void {
  addClientFlags(program.command('get'))
    .argument('<job>', 'Its id, or the first digits')
    .description('Show one job, and what went wrong with it last')
    .action(async (id: string, typed: TypedFlags) => {
      await withClient(typed, environment, (farm) => showJob(farm, { id, typed }, environment));
      finish(EXIT_OK);
    });
  addClientFlags(program.command('logs'), 'Print one JSON object a line')
    .argument('<job>', 'Its id, or the first digits')
    .option('--follow', 'Go on until the job is over')
    .summary('Tell what happened to a job')
    .description(
      'Tell what happened to a job: submitted, paused, failed, and the last events of its tasks',
    )
    .action(async (id: string, typed: TypedFlags) => {
      await withClient(typed, environment, (farm) => showLog(farm, { id, typed }, environment));
      finish(EXIT_OK);
    });
  addClientFlags(program.command('delete'))
    .argument('<job>', 'Its id, or the first digits')
    .summary('Forget a job that is over')
    .description(
      'Forget a job that is over: it is no longer listed, and what it made is kept until store gc',
    )
    .action(async (id: string, typed: TypedFlags) => {
      const deleted = await withClient(typed, environment, (farm) => farm.delete(id));
      if (typed['json'] === true) printJson(environment.stdout, { job: deleted, deleted: true });
      else environment.stdout.write(`${deleted.slice(0, 12)}  deleted\n`);
      finish(EXIT_OK);
    });
}

interface Asked {
  readonly id: string;
  readonly typed: TypedFlags;
}

async function showJob(
  farm: FarmClient,
  { id, typed }: Asked,
  { stdout }: CliEnvironment,
): Promise<void> {
  const job = await farm.get(id);
  const lines: LogLine[] = [];
  for await (const line of farm.log(job.id, { follow: false })) lines.push(line);
  const failures = lines.filter(({ kind }) => FAILURE_KINDS.includes(kind)).slice(-FAILURES_SHOWN);
  if (typed['json'] === true) printJson(stdout, { ...job, lastFailures: failures });
  else stdout.write([jobText(job), ...failures.map(logText)].join(''));
}

/** Through restarts of the coordinator where it follows: what was shown is not shown again. */
async function showLog(
  farm: FarmClient,
  { id, typed }: Asked,
  environment: CliEnvironment,
): Promise<void> {
  const { stdout, clock } = environment;
  const follow = typed['follow'] === true;
  const signal = follow ? environment.interruption() : undefined;
  const shown = new Set<string>();
  let lostMs: number | undefined;
  for (;;) {
    try {
      for await (const line of farm.log(id, { follow, signal })) {
        lostMs = undefined;
        const text = JSON.stringify(line);
        if (follow && shown.has(text)) continue;
        shown.add(text);
        stdout.write(typed['json'] === true ? `${text}\n` : logText(line));
      }
      return;
    } catch (reason) {
      const error = BivdiffError.from(reason);
      if (!follow || error.code !== 'unavailable') throw error;
      lostMs ??= clock.nowMs();
      if (clock.nowMs() - lostMs > RECONNECT_MS) throw error;
    }
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS));
  }
}
