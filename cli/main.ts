// The `bivdiff` program: runs the command line that this process was started with.

import { endAtOnce } from './end-at-once.ts';
import { EXIT_FAILED, EXIT_OK } from './output/exit-codes.ts';
import { processEnvironment } from './process-environment.ts';
import { runCommandLine } from './program.ts';

process.stdout.on('error', (reason: NodeJS.ErrnoException) => {
  // `bivdiff ... | head` closes our output early: nobody reads on, which is no failure.
  if (reason.code === 'EPIPE') endAtOnce(EXIT_OK);
  process.stderr.write(
    `error: cannot write to standard output: ${reason.message}; make room there, or send it elsewhere, and run the same command again\n`,
  );
  endAtOnce(EXIT_FAILED);
});
// Nobody reads what is told, or can: the work is done all the same.
process.stderr.on('error', () => undefined);

process.exitCode = await runCommandLine(process.argv.slice(2), processEnvironment());
