// `bivdiff upload`: puts sources on a farm, for whoever names them by digest.

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../../common/errors.ts';
import { putSource, refuseSpecial } from '../../../common/sources/source.ts';
import type { TypedFlags } from '../../flags/render-flags.ts';
import { EXIT_OK } from '../../output/exit-codes.ts';
import { printJson } from '../../terminal.ts';
import type { CliEnvironment } from '../../terminal.ts';
import { addClientFlags, withClient } from './jobs.ts';

/** Adds the command. `finish` takes the exit code. */
export function addUploadCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  addClientFlags(program.command('upload'))
    .argument('<source...>', 'Video files, or folders of pictures')
    .summary('Put sources on a farm')
    .description(
      'Put sources on a farm, for Render resources and programs that name them by digest (of a file its SHA-256); `submit` uploads its own',
    )
    .addHelpText('after', '\nExample:\n  bivdiff upload dance.mp4 takes/7/')
    .action(async (sources: readonly string[], typed: TypedFlags) => {
      await checkSources(sources, environment);
      await withClient(typed, environment, async (farm) => {
        const uploaded: object[] = [];
        for (const path of sources) {
          const { kind, digest } = await putSource(farm, resolve(environment.folder, path));
          uploaded.push({ kind, digest, path });
          // What ends this process later hides none that is there.
          if (typed['json'] !== true) environment.stdout.write(`${kind} ${digest}  ${path}\n`);
        }
        if (typed['json'] === true) printJson(environment.stdout, { uploaded });
      });
      finish(EXIT_OK);
    });
}

/** @throws invalid-argument — all that are none; nothing was uploaded */
async function checkSources(sources: readonly string[], { folder }: CliEnvironment): Promise<void> {
  const problems: string[] = [];
  for (const path of sources) {
    try {
      refuseSpecial(path, await stat(resolve(folder, path)));
    } catch (reason) {
      const { code, message } = BivdiffError.from(reason);
      problems.push(code === 'not-found' ? `${path}: there is no such file or folder` : message);
    }
  }
  if (problems.length === 0) return;
  throw new BivdiffError(
    'invalid-argument',
    `nothing was uploaded:\n${problems.map((one) => `  ${one}`).join('\n')}`,
  );
}
