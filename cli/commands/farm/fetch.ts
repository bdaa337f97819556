// `bivdiff fetch`: the files of a job that is done, or the finished frames of any.

import type { Command } from 'commander';

import { BivdiffError } from '../../../common/errors.ts';
import { fetchPlaces } from '../../farm/fetch-places.ts';
import { artifactsOfOutput, findFrames } from '../../farm/frames.ts';
import { outputFiles } from '../../farm/job-text.ts';
import { placeOutputs } from '../../output/place-outputs.ts';
import type { OutputFile } from '../../output/place-outputs.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import type { TypedFlags } from '../../flags/render-flags.ts';
import { printJson } from '../../terminal.ts';
import type { CliEnvironment } from '../../terminal.ts';
import { followToEnd } from './fetch-follow.ts';
import { addClientFlags, withClient } from './jobs.ts';

/** Adds the command. `finish` takes the exit code. */
export function addFetchCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  addClientFlags(program.command('fetch'))
    .argument('<job>', 'Its id, or the first digits')
    .option('--output <FILE>', 'Where the video goes')
    .option('--comparison <FILE>', 'Where the video of all panels side by side goes')
    .option('--contact-sheet <FILE>', 'Where the contact sheet goes')
    .option(
      '--frames <DIR>',
      'Where the finished frames go as PNG, numbered as in the whole clip; also of a job that failed',
    )
    .option('--follow', 'Wait for its end; what is finished can be played meanwhile')
    .option('--overwrite', 'Replace files that exist and differ')
    .summary('Get the files of a finished job')
    .description('Get the files of a finished job, or what frames there are of any')
    .action(async (id: string, typed: TypedFlags) => {
      const places = await fetchPlaces(typed, environment.folder);
      const written = await withClient(typed, environment, async (farm) => {
        const overwrite = typed['overwrite'] === true;
        const followed =
          typed['follow'] === true
            ? await followToEnd(farm, id, { places, overwrite, environment })
            : undefined;
        const job = followed?.job ?? (await farm.get(id));
        const frames =
          places.frames === undefined ? undefined : await findFrames(farm, job, places.frames);
        const files: OutputFile[] = frames === undefined ? [] : [frames.output];
        if (frames === undefined || Object.keys(places.files).length > 0) {
          const readArtifacts = (layout: string): ReturnType<typeof artifactsOfOutput> =>
            artifactsOfOutput(farm, job.id, layout);
          files.unshift(...(await outputFiles(job, places, readArtifacts)));
        }
        await placeOutputs(farm, files, { overwrite }).catch(withAdvice(job.id));
        await followed?.discard();
        const outputs = files.map(({ path }) => path);
        if (frames === undefined) return { job: job.id, outputs };
        const { finished, total } = frames;
        environment.stderr.write(
          `${finished} of ${total} frames are finished; the job is ${job.state}\n`,
        );
        return { job: job.id, outputs, frames: { finished, total } };
      });
      if (typed['json'] === true) printJson(environment.stdout, written);
      else for (const path of written.outputs) environment.stdout.write(`${path}\n`);
      finish(EXIT_OK);
    });
}

/** Whoever fetches has only the job's id to make it again with. */
function withAdvice(jobId: string): (reason: unknown) => never {
  return (reason) => {
    if (!(reason instanceof BivdiffError) || reason.code !== 'data-loss') throw reason;
    const { message, details } = reason;
    const hint = `bivdiff retry ${jobId.slice(0, 12)} makes again what is lost, and nothing else.`;
    throw new BivdiffError('data-loss', message, { cause: reason.cause, hint, details });
  };
}
