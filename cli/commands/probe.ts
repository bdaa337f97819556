// `bivdiff probe`: what the program sees in a source, and what it will do about each thing. Reads, and writes nothing.

import { basename, resolve } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import type { VideoFacts } from '../../workers/media/media-types.ts';
import { errorJson } from '../output/error-text.ts';
import { EXIT_OK, exitCodeOf } from '../output/exit-codes.ts';
import { rateText, sourceText, treatmentOf } from '../output/source-facts.ts';
import { printJson, reportError } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

interface ProbeFlags {
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  bivdiff probe clip.mp4
  bivdiff probe --json clip.mov frames/

One block a source: what is found, and beside it what will be done about it on the way to frames. A source that
cannot be read gives its error, and the others are still told. Exit codes: 0 all were read, 2 one cannot be.`;

/** Adds the command. `finish` takes the exit code. */
export function addProbeCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  program
    .command('probe')
    .summary('Tell what is in a video')
    .description('Tell what is in a video or a folder of pictures, and what will be done about it')
    .argument('<file...>', 'Videos, animated pictures, pictures, folders of pictures')
    .option('--json', 'Print one JSON object on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], flags: ProbeFlags) =>
      finish(await probe(files, flags, environment)),
    );
}

async function probe(
  files: readonly string[],
  flags: ProbeFlags,
  environment: CliEnvironment,
): Promise<number> {
  // The codecs take a while to load, which no other command shall wait for.
  const { createMediaService } = await import('../../workers/media/media-service.ts');
  const signal = environment.interruption();
  const sources: object[] = [];
  let exitCode = EXIT_OK;
  await using media = createMediaService();
  let told = 0;
  for (const file of files) {
    const path = resolve(environment.folder, file);
    try {
      const facts = await media.probe(path, { survey: true, signal });
      sources.push(sourceJson(path, facts));
      if (flags.json !== true) {
        environment.stdout.write(`${told === 0 ? '' : '\n'}${sourceText(file, facts)}`);
        told += 1;
      }
    } catch (reason) {
      const error = namedAsTyped(BivdiffError.from(reason), file);
      if (signal.aborted) throw new BivdiffError('cancelled', 'stopped', { cause: error });
      sources.push({ path, ...errorJson(error) });
      reportError(error, environment, { json: false });
      exitCode ||= exitCodeOf(error);
    }
  }
  if (flags.json === true) printJson(environment.stdout, { sources });
  return exitCode;
}

/** With the folder that was typed: of two folders' files the names may be the same. */
function namedAsTyped(error: BivdiffError, file: string): BivdiffError {
  const name = basename(file);
  if (!error.message.startsWith(`${name} `)) return error;
  const { code, retry, hint, details, cause } = error;
  return new BivdiffError(code, `${file}${error.message.slice(name.length)}`, {
    ...{ retry, details, cause },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Facts under the names that scripts may rely on. */
function sourceJson(path: string, facts: VideoFacts): object {
  const { width, height, rotation, framesPerSecond, colour, ...rest } = facts;
  return {
    path,
    ...rest,
    framesPerSecond,
    rate: framesPerSecond === 0 ? null : rateText(framesPerSecond),
    shown: { width, height },
    turnDegrees: rotation,
    colour: colour ?? null,
    hdr: colour?.treatment === 'tone-map',
    treatment: treatmentOf(facts),
  };
}
