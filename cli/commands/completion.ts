// `bivdiff completion bash|zsh|fish`: prints a completion script made from the command table.

import { Argument } from 'commander';
import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { completionTree } from '../reference/command-tree.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../reference/completion-scripts.ts';
import { nearestWord } from '../flags/nearest.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import type { CliEnvironment } from '../terminal.ts';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
const SHELLS = Object.keys(SCRIPTS);

/** Any word is taken as it is: the command itself tells which one a mistyped one was meant to be. */
const SHELL = new Argument('<shell>', 'Shell that shall complete')
  .choices(SHELLS)
  .argParser((word: string) => word);

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
    .summary('Print shell completion')
    .description('Print a script that completes bivdiff in your shell')
    .addArgument(SHELL)
    .addHelpText('after', EXAMPLES)
    .action((shell: string) => {
      if (!isShell(shell)) {
        const meant = nearestWord(shell, SHELLS);
        throw new BivdiffError('invalid-argument', `no completion for the shell "${shell}"`, {
          hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}It is there for ${SHELLS.join(', ')}.`,
        });
      }
      environment.stdout.write(SCRIPTS[shell](completionTree(program)));
      finish(EXIT_OK);
    });
}

function isShell(name: string): name is keyof typeof SCRIPTS {
  return SHELLS.includes(name);
}
