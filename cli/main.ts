// The `bivdiff` program: runs the command line that this process was started with.

import { endAtOnce } from './end-at-once.ts';
import { processEnvironment } from './process-environment.ts';
import { runCommandLine } from './program.ts';

// `bivdiff ... | head` closes our output early: nobody reads on, which is no failure.
process.stdout.on('error', (reason: NodeJS.ErrnoException) => {
  if (reason.code === 'EPIPE') endAtOnce(0);
  throw reason;
});

process.exitCode = await runCommandLine(process.argv.slice(2), processEnvironment());
