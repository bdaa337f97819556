// `bivdiff watch`, `list`, `cancel` and the other verbs of a client of a farm.

import type { Command } from 'commander';

import { BivdiffError } from '../../../common/errors.ts';
import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import type { Worker } from '../../../common/gen/bivdiff/v1/render_service.ts';
import type { FarmClient } from '../../farm/farm-client.ts';
import { accessOf, addAccessFlags } from '../../flags/connection.ts';
import { failureOfJob, jobLine, jobProgress, jobText } from '../../farm/job-text.ts';
import { SERVER_DEFAULT } from '../../flags/farm-settings.ts';
import { formatBytes, formatTable } from '../../output/format.ts';
import { EXIT_FAILED, EXIT_OK } from '../../output/exit-codes.ts';
import { createProgressView, createSilentView } from '../../output/progress.ts';
import type { TypedFlags } from '../../flags/render-flags.ts';
import { printJson } from '../../terminal.ts';
import type { CliEnvironment } from '../../terminal.ts';

type Finish = (exitCode: number) => void;

const PRIORITY_MAX = 100;
/** More than anybody reads, and soon told. */
const LIST_DEFAULT = 1_000;
/** How long `watch` looks for a coordinator that has gone away. */
const RECONNECT_MS = 60_000;
const RECONNECT_PAUSE_MS = 500;

export function addJobCommands(
  program: Command,
  environment: CliEnvironment,
  finish: Finish,
): void {
  addWatch(program, environment, finish);
  addLists(program, environment, finish);
  addVerbs(program, environment, finish);
}

function addWatch(program: Command, environment: CliEnvironment, finish: Finish): void {
  addClientFlags(program.command('watch'))
    .argument('<job>', 'Its id, or the first digits')
    .option('--quiet', 'No progress')
    .summary('Follow a job to its end')
    .description('Follow a job to its end; leaving it (Ctrl-C) does not stop the job')
    .action(async (id: string, typed: TypedFlags) => {
      const job = await withClient(typed, environment, (farm) =>
        follow(farm, { id, isQuiet: typed['quiet'] === true }, environment),
      );
      if (typed['json'] === true) printJson(environment.stdout, job);
      else environment.stdout.write(jobText(job));
      if (job.state === 'failed') throw failureOfJob(job);
      finish(job.state === 'done' ? EXIT_OK : EXIT_FAILED);
    });
}

/** Watches until the job is over, through restarts of the coordinator. */
async function follow(
  farm: FarmClient,
  { id, isQuiet }: { readonly id: string; readonly isQuiet: boolean },
  environment: CliEnvironment,
): Promise<Job> {
  const { stderr, clock, colors } = environment;
  const view = isQuiet
    ? createSilentView({ terminal: environment.stderr })
    : createProgressView({ terminal: stderr, clock, colors });
  const signal = environment.interruption();
  let lostMs: number | undefined;
  try {
    for (;;) {
      try {
        let latest: Job | undefined;
        for await (const job of farm.watch(id, signal)) {
          latest = job;
          lostMs = undefined;
          if (job.stages.length > 0) view.update(jobProgress(job));
        }
        if (latest !== undefined) return latest;
      } catch (reason) {
        const error = BivdiffError.from(reason);
        if (error.code !== 'unavailable') throw error;
        lostMs ??= clock.nowMs();
        if (clock.nowMs() - lostMs > RECONNECT_MS) throw error;
      }
      signal.throwIfAborted();
      await new Promise<void>((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS));
    }
  } finally {
    view.end();
  }
}

function addLists(program: Command, environment: CliEnvironment, finish: Finish): void {
  addClientFlags(program.command('list'))
    .option('--limit <N>', `How many jobs at most, or all (default: ${LIST_DEFAULT})`)
    .description('List the jobs of a farm, newest first')
    .action(async (typed: TypedFlags) => {
      const limit = limitOf(typed['limit']);
      const found = await withClient(typed, environment, (farm) => farm.list(limit + 1));
      const jobs = found.slice(0, limit);
      const hasMore = found.length > limit;
      if (typed['json'] === true) printJson(environment.stdout, { jobs, hasMore });
      else for (const job of jobs) environment.stdout.write(`${jobLine(job)}\n`);
      if (hasMore) environment.stderr.write(`there are more than ${limit}: --limit N, or all\n`);
      finish(EXIT_OK);
    });
  addClientFlags(program.command('workers'))
    .description('List the workers of a farm')
    .action(async (typed: TypedFlags) => {
      const found = await withClient(typed, environment, (farm) => farm.workers());
      if (typed['json'] === true) printJson(environment.stdout, found);
      else {
        const rows = found.workers.map((worker) => [
          worker.name,
          worker.pools.join(','),
          `${busySlots(worker)}/${worker.slots}`,
          String(worker.committed),
          formatBytes(worker.memoryBytes),
          `${worker.host} ${worker.pid}`,
          workerNote(worker, found.protocol),
        ]);
        const head = ['WORKER', 'POOLS', 'RUNS', 'DONE', 'MEMORY', 'HOST, PID', ''];
        environment.stdout.write(formatTable(head, rows));
        for (const line of found.scaling) environment.stdout.write(`${line}\n`);
      }
      finish(EXIT_OK);
    });
}

/** It takes a task ahead of its slot, and has one in hand until the result is stored: those are more than run. */
function busySlots({ running, slots }: Worker): number {
  return Math.min(running.length, slots);
}

/** What else there is to say of a worker. */
function workerNote({ draining, protocol, setAside, sharesName }: Worker, ours: number): string {
  if (protocol !== ours) return protocol < ours ? 'old' : 'newer';
  const notes = draining ? ['draining'] : [];
  if (sharesName) notes.push('two workers have this name');
  if (setAside.length > 0) notes.push(`set aside for ${setAside.join(', ')}`);
  return notes.join('; ');
}

function addVerbs(program: Command, environment: CliEnvironment, finish: Finish): void {
  const verb = (
    name: string,
    about: string,
    act: (farm: FarmClient, id: string) => Promise<Job>,
  ): void => {
    addClientFlags(program.command(name))
      .argument('<job>', 'Its id, or the first digits')
      .description(about)
      .action(async (id: string, typed: TypedFlags) => {
        const job = await withClient(typed, environment, (farm) => act(farm, id));
        if (typed['json'] === true) printJson(environment.stdout, job);
        else environment.stdout.write(`${jobLine(job)}\n`);
        finish(EXIT_OK);
      });
  };
  verb('cancel', 'Stop a job within one step; what is done stays', (farm, id) => farm.cancel(id));
  verb('pause', 'Stop a job for now; resume goes on with it', (farm, id) => farm.pause(id));
  verb('resume', 'Go on with a paused job', (farm, id) => farm.resume(id));
  verb('retry', 'Go on with a failed or cancelled job, or make a lost output again', (farm, id) =>
    farm.resume(id),
  );
  addClientFlags(program.command('priority'))
    .argument('<job>', 'Its id, or the first digits')
    .argument('<n>', 'From 0 to 100, higher goes first')
    .description("Change a job's priority at once")
    .action(async (id: string, priority: string, typed: TypedFlags) => {
      const job = await withClient(typed, environment, (farm) =>
        farm.setPriority(id, priorityOf(priority, 'the priority')),
      );
      if (typed['json'] === true) printJson(environment.stdout, job);
      else environment.stdout.write(`${jobLine(job)}\n`);
      finish(EXIT_OK);
    });
  addClientFlags(program.command('drain'))
    .argument('<worker>', 'Its name, as `bivdiff workers` shows it')
    .description('Let a worker finish or hand over what it runs, and end')
    .action(async (name: string, typed: TypedFlags) => {
      await withClient(typed, environment, (farm) => farm.drain(name));
      finish(EXIT_OK);
    });
}

/** @throws invalid-argument */
function limitOf(text: unknown): number {
  if (typeof text !== 'string') return LIST_DEFAULT;
  if (text === 'all') return Infinity;
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit > 0 && Number.isSafeInteger(limit)) return limit;
  const message = `--limit: expected a whole number from 1 on, or all, got "${text}"`;
  throw new BivdiffError('invalid-argument', message);
}

/** @throws invalid-argument — it is none; `name` says which */
export function priorityOf(text: string, name: string): number {
  if (/^\d+$/.test(text) && Number(text) <= PRIORITY_MAX) return Number(text);
  throw new BivdiffError(
    'invalid-argument',
    `${name}: expected a whole number, 0 to ${PRIORITY_MAX}, got "${text}"`,
  );
}

/** Which farm, and how to answer. */
export function addClientFlags(
  command: Command,
  json = 'Print one JSON object on stdout',
): Command {
  return addAccessFlags(command)
    .option(
      '--server <ADDRESS>',
      `The coordinator, HOST:PORT, by TLS grpcs://HOST:PORT (default: $BIVDIFF_SERVER, else ${SERVER_DEFAULT})`,
    )
    .option('--json', json);
}

/** Does something with the farm that the flags name. */
export async function withClient<T>(
  typed: TypedFlags,
  environment: CliEnvironment,
  work: (farm: FarmClient) => Promise<T>,
): Promise<T> {
  const { FarmClient } = await import('../../farm/farm-client.ts');
  const { openChannel } = await import('../../../common/rpc/channel.ts');
  const access = await accessOf(typed, environment);
  const given = typed['server'];
  const server = typeof given === 'string' ? given : (environment.server ?? SERVER_DEFAULT);
  const { address, ...channel } = await openChannel({ ...access, server, origin: '--server' });
  const farm = new FarmClient(address, channel);
  try {
    return await work(farm);
  } finally {
    farm.close();
  }
}
