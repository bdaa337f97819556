// `bivdiff completion bash|zsh|fish`: prints a completion script made from the command table.

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { completionTree } from '../reference/command-tree.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../reference/completion-scripts.ts';
import { nearestWord } from '../flags/nearest.ts';
import { EXIT_OK } from '../output/print-error.ts';
import type { CliEnvironment } from '../terminal.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
const SHELLS = Object.keys(SCRIPTS);

const EXAMPLES = `
Examples:
  bash: source <(bivdiff completion bash)
  zsh:  source <(bivdiff completion zsh)
  fish: bivdiff completion fish > ~/.config/fish/completions/bivdiff.fish`;

/** Adds the command. `finish` takes the exit code. */
export function addCompletionCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  program
    .command('completion')
    .summary('print shell completion')
    .description('Print a script that completes bivdiff in your shell.')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText('after', EXAMPLES)
    .action((shell: string) => {
      if (!isShell(shell)) {
        const meant = nearestWord(shell, SHELLS);
        throw new BivdiffError('invalid-argument', `no completion for the shell "${shell}"`, {
          hint: `it is there for ${SHELLS.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
        });
      }
      environment.stdout.write(SCRIPTS[shell](completionTree(program)));
      finish(EXIT_OK);
    });
}

function isShell(name: string): name is keyof typeof SCRIPTS {
  return SHELLS.includes(name);
}
