// `bivdiff plan`: what a render would run, what the store has already, and what it would take. Runs nothing.

import type { Command } from 'commander';

import { wantedFrames } from '../../recipes/pipeline/job-base.ts';
import { shotsOf } from '../../recipes/pipeline/shots.ts';
import { windowsOfShot } from '../../recipes/pipeline/windows.ts';
import { STAGES } from '../../common/task.ts';
import type { SourceFacts } from '../../coordinator/domain/check-sources.ts';
import { acceptRequest } from '../request/accept-request.ts';
import { checkDraft } from '../request/check-drafts.ts';
import type { Accepted, Farm, Forecast, RequestLook } from '../farm.ts';
import { formatBytes, formatSeconds, formatTable, plural } from '../output/format.ts';
import { shotsText } from '../output/shots-text.ts';
import { stepsText } from '../output/steps-text.ts';
import { withFarm } from '../local/open-farm.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import { draftRequest } from '../request/render-request.ts';
import type { RequestProblem } from '../request/request-problems.ts';
import { addRenderFlags } from '../flags/render-flags.ts';
import { draftRunOptions, layerOfFlags } from '../request/run-options.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { printJson, warningsTo } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

const EXAMPLES = `
Examples:
  bivdiff plan --task controlnet --input clip.mp4 --frames 96 --prompt "a red square"
  bivdiff plan spec.yaml --store /data/store --json`;

/** Flags of `render` that say nothing of what it would run: it writes no files, and runs nothing. */
const WITHOUT = ['report', 'trace', 'overwrite', 'quiet'] as const;

/** Adds the command. `finish` takes the exit code. */
export function addPlanCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('plan')
    .summary('Tell what a render would run')
    .description(
      'Tell what a render would run: tasks by stage, what the store has, time, memory, disk',
    )
    .argument('[spec]', 'Spec file, YAML or JSON');
  addRenderFlags(command, { without: WITHOUT })
    .addHelpText('after', EXAMPLES)
    .action(async (specFile: string | undefined, typed: TypedFlags) => {
      finish(await plan(specFile, typed, environment));
    });
}

async function plan(
  specFile: string | undefined,
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<number> {
  const flags = layerOfFlags(typed, environment);
  const draft = await draftRequest(specFile, flags, { needsOutput: false, command: 'plan' });
  const besides: RequestProblem[] = [];
  const run = await draftRunOptions(typed, environment, besides);
  const signal = environment.interruption();
  const before = (look: RequestLook): Promise<void> =>
    checkDraft(draft, { look, signal, run, besides, command: 'plan' });
  const work = async (farm: Farm): Promise<void> => {
    const accepted = await acceptRequest(farm, draft.request, {
      signal,
      onWarning: warningsTo(environment.stderr),
      progress: environment,
    });
    const forecast = await farm.foresee(accepted);
    if (run.json) printJson(environment.stdout, planJson(accepted, forecast));
    else environment.stdout.write(planText(accepted, forecast));
  };
  await withFarm(run, environment, work, before);
  return EXIT_OK;
}

function planJson(accepted: Accepted, forecast: Forecast): object {
  const { source, sources, models } = accepted;
  return {
    job: forecast.jobId,
    source: factsJson(source),
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, facts]) => [name, factsJson(facts)]),
    ),
    models: models.folder,
    settings: accepted.job,
    tasks: { ...totalsOf(forecast), byStage: forecast.tasks },
    secondsEstimated: forecast.secondsEstimated ?? null,
    memoryBytesEstimated: forecast.memoryBytesEstimated,
    memoryBytesByStage: forecast.memoryBytesByStage,
    diskBytesEstimated: forecast.diskBytesEstimated,
  };
}

function planText(accepted: Accepted, forecast: Forecast): string {
  const { job, source, sources, models } = accepted;
  const shots = shotsText(job);
  const steps = stepsText(job);
  const rows = STAGES.flatMap((stage) => {
    const counts = forecast.tasks[stage];
    if (counts === undefined) return [];
    const memory = forecast.memoryBytesByStage[stage];
    const bytes = memory === undefined ? '' : formatBytes(memory);
    return [[stage, counts.total, counts.inStore, counts.total - counts.inStore, bytes]];
  });
  const { total, toRun } = totalsOf(forecast);
  const seconds = forecast.secondsEstimated;
  const time =
    toRun === 0
      ? 'next to none'
      : seconds === undefined
        ? 'not known yet: no render with these models is in the store'
        : `about ${formatSeconds(seconds)}`;
  return [
    `job     ${forecast.jobId.slice(0, 12)}\n`,
    sourceLine('source', source),
    ...Object.entries(sources).map(([name, facts]) => sourceLine(name, facts)),
    `makes   ${framesText(job)} of ${job.width}x${job.height}, ${plural(job.steps, 'step')}, ${bridgingText(job)}\n`,
    ...(steps === undefined ? [] : [`steps   ${steps}\n`]),
    ...timestepsLine(job),
    ...(shots === undefined ? [] : [`shots   ${shots}\n`]),
    ...windowsLine(job),
    `models  ${models.folder} (${models.name})\n\n`,
    formatTable(['stage', 'tasks', 'in store', 'to run', 'memory'], rows),
    `\n${toRun} of ${plural(total, 'task')} to run\n`,
    `time    ${time}\n`,
    `memory  about ${formatBytes(forecast.memoryBytesEstimated)} at most\n`,
    `disk    about ${formatBytes(forecast.diskBytesEstimated)}\n`,
  ].join('');
}

function framesText({ frames, part }: Accepted['job']): string {
  const { count } = wantedFrames({ frames, part });
  const of = part === undefined ? '' : ` (${part.first} to ${part.last} of ${frames})`;
  return `${plural(count, 'frame')}${of}`;
}

function timestepsLine(job: Accepted['job']): string[] {
  if (!('timesteps' in job)) return [];
  return [`draws   with ${job.sampler} at timesteps ${job.timesteps.join(', ')}\n`];
}

/** Of a clip that is longer than a window: what its overlap costs. */
function windowsLine(job: Accepted['job']): string[] {
  const { frames, window, long, part } = job;
  if (long === undefined) return [];
  let [count, run] = [0, 0];
  for (const shot of shotsOf(job)) {
    const windows = windowsOfShot(shot.count, { length: window, stride: long.stride });
    count += windows.count;
    run += windows.count * windows.length;
  }
  const times = run / frames;
  const how = long.mode === 'blend' ? 'cross-faded at the end' : 'agreeing at each step';
  // The table counts what a part needs of them.
  const of = part === undefined ? '' : ` (of all ${frames} frames)`;
  return [
    `windows ${count} of ${plural(window, 'frame')}, ${long.stride} apart, ${how}: ${times.toFixed(2)} times the work of windows side by side${of}\n`,
  ];
}

function sourceLine(name: string, { path, width, height, frames }: SourceFacts): string {
  return `${name.padEnd(7)} ${path}: ${width}x${height}, ${plural(frames, 'frame')}\n`;
}

function factsJson({ path, frames, width, height }: SourceFacts): object {
  return { path, frames, width, height };
}

function totalsOf(forecast: Forecast): { total: number; inStore: number; toRun: number } {
  const counts = Object.values(forecast.tasks);
  const total = counts.reduce((sum, stage) => sum + stage.total, 0);
  const inStore = counts.reduce((sum, stage) => sum + stage.inStore, 0);
  return { total, inStore, toRun: total - inStore };
}

function bridgingText(job: Accepted['job']): string {
  const { mixingRatio, strength } = job;
  if ('method' in job) return `drawn together, ${job.window} at a time`;
  return strength === undefined ? `mixing ratio ${mixingRatio}` : `noised by strength ${strength}`;
}
