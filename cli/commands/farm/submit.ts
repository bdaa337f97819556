// `bivdiff submit`: puts a render, or a batch of them, on a farm.

import type { Command } from 'commander';

import type { Job } from '../../../common/gen/bivdiff/v1/job.ts';
import { jobLine } from '../../farm/job-text.ts';
import { submitBatch, submitRender } from '../../farm/submit-renders.ts';
import { addRenderFlags } from '../../flags/render-flags.ts';
import type { TypedFlags } from '../../flags/render-flags.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import { draftBatch, flagsBesideBatch } from '../../request/batch-file.ts';
import { draftRequest } from '../../request/render-request.ts';
import { lookedAt } from '../../request/request-problems.ts';
import type { RequestProblem } from '../../request/request-problems.ts';
import { layerOfFlags } from '../../request/run-options.ts';
import { printJson, warningsTo } from '../../terminal.ts';
import type { CliEnvironment } from '../../terminal.ts';
import { addClientFlags, priorityOf, withClient } from './jobs.ts';

/** Flags of `render` that say how a local render runs, or where its files go. */
const LOCAL_FLAGS = [
  'store',
  'device',
  'slots',
  'threads',
  'memory-gib',
  'overwrite',
  'report',
  'trace',
  'quiet',
  'json',
];
const PRIORITY_DEFAULT = '50';

/** What means something else than to `render`: no path leads to the farm, and none from it. */
const OWN_DOCS = {
  models: "Name of one of the farm's model sets (default: its only one, else demo)",
  'video-model': "Which video model of that set (default: the set's own choice)",
  output:
    'What the job is called, and the format by its ending; where the video goes is said to `bivdiff fetch`',
  comparison:
    "Also a video of any control, frame by frame and smoothed, side by side, for `bivdiff fetch --comparison`; any name with the output's ending",
  'contact-sheet':
    'Also the same as one PNG, for `bivdiff fetch --contact-sheet`; any name that ends in .png',
} as const;
const OWN_VALUES = { models: 'NAME', output: 'NAME', comparison: 'NAME', 'contact-sheet': 'NAME' };

/** Adds the command. `finish` takes the exit code. */
export function addSubmitCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('submit')
    .summary('Put a render on a farm')
    .description('Put a render, or a batch of them, on a farm: as `render`, but it runs there')
    .argument('[spec]', 'Spec file, YAML or JSON')
    .option('--batch <FILE>', 'Renders to submit, one a line: JSONL, or CSV')
    .option('--priority <N>', `From 0 to 100, higher goes first (default: ${PRIORITY_DEFAULT})`);
  addRenderFlags(addClientFlags(command), {
    ...{ without: LOCAL_FLAGS, docs: OWN_DOCS, values: OWN_VALUES },
  })
    .addHelpText(
      'after',
      '\nExample:\n  bivdiff submit --task controlnet --input clip.mp4 --prompt "a red square"',
    )
    .action(async (specFile: string | undefined, typed: TypedFlags) => {
      const jobs = await submit(specFile, typed, environment);
      if (typed['json'] === true) {
        const ids = jobs.map(({ id, state }) => ({ job: id, state }));
        printJson(environment.stdout, typed['batch'] === undefined ? ids[0] : { jobs: ids });
      } else {
        const [first] = jobs;
        if (first !== undefined) {
          environment.stderr.write(`next: bivdiff watch ${first.id.slice(0, 12)}\n`);
        }
      }
      finish(EXIT_OK);
    });
}

/** Tells of each job as soon as it is on the farm: what ends this process then hides none. */
async function submit(
  specFile: string | undefined,
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<readonly Job[]> {
  const besides: RequestProblem[] = [];
  const asked = String(typed['priority'] ?? PRIORITY_DEFAULT);
  const priority = (await lookedAt(() => priorityOf(asked, '--priority'), besides)) ?? 0;
  const onSubmitted = (job: Job): void => {
    if (typed['json'] !== true) environment.stdout.write(`${jobLine(job)}\n`);
  };
  const options = { priority, besides, onSubmitted, onWarning: warningsTo(environment.stderr) };
  const settings = { needsOutput: false, command: 'submit' } as const;
  const { batch } = typed;
  if (typeof batch === 'string') {
    const beside = flagsBesideBatch(specFile, typed);
    besides.push(...beside.problems);
    const drafts = await draftBatch(batch, layerOfFlags(beside.typed, environment), settings);
    return withClient(typed, environment, (farm) => submitBatch(farm, batch, drafts, options));
  }
  const draft = await draftRequest(specFile, layerOfFlags(typed, environment), settings);
  return withClient(typed, environment, async (farm) => [await submitRender(farm, draft, options)]);
}
