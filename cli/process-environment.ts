// The one place of the command line that touches the process: joins streams, signals, environment variables and farm
// to what the commands may see.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { endAtOnce } from './end-at-once.ts';
import { createInterruption } from './interruption.ts';
import type { CliEnvironment, Clock } from './terminal.ts';

const clock: Clock = {
  nowMs: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** What this process sees of the world. */
export function processEnvironment(): CliEnvironment {
  const { env, stdout, stderr } = process;
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  // CI systems may offer a terminal, but keep what was drawn as a log.
  const isTty = stderr.isTTY && !isSet('CI') && env['TERM'] !== 'dumb';

  return {
    folder: process.cwd(),
    stdout,
    stderr: {
      isTty,
      write: (text) => stderr.write(text),
      columns: () => terminalSize(stderr).columns,
      rows: () => terminalSize(stderr).rows,
    },
    clock,
    colors: isTty && !isSet('NO_COLOR'),
    debug: isSet('BIVDIFF_DEBUG'),
    storeFolder: isSet('BIVDIFF_STORE') ? env['BIVDIFF_STORE'] : undefined,
    server: isSet('BIVDIFF_SERVER') ? env['BIVDIFF_SERVER'] : undefined,
    nats: isSet('BIVDIFF_NATS') ? env['BIVDIFF_NATS'] : undefined,
    python: isSet('BIVDIFF_PYTHON') ? env['BIVDIFF_PYTHON'] : undefined,
    variable: (name) => (isSet(name) ? env[name] : undefined),
    modelsFolder: join(import.meta.dirname, '../models'),
    cores: availableParallelism(),
    // In KiB on every platform.
    peakMemoryBytes: () => process.resourceUsage().maxRSS * 1024,
    openFarm: async (options, before) => {
      // ONNX Runtime and the codecs take a while to load; help and errors in flags need neither.
      const { openLocalFarm } = await import('./local/local-farm.ts');
      return openLocalFarm(options, before);
    },
    interruption: createInterruption(
      { on: (signal, listener) => process.on(signal, listener), endAtOnce },
      (text) => stderr.write(text),
    ),
  };
}

/** What is no terminal has a usual one's, and so has a terminal that says 0, as those of recorders and some CI systems do. */
export function terminalSize({ isTTY, columns, rows }: Size & { readonly isTTY: boolean }): Size {
  return { columns: (isTTY && columns) || 80, rows: (isTTY && rows) || 24 };
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}
