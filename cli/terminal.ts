// What the commands may see of the world: streams, clock, folder, settings, the farm's door. Made once in main.ts;
// tests make their own.

import type { Farm, FarmOptions, RequestLook } from './farm.ts';
import { errorJson, errorText } from './output/error-text.ts';
import { exitCodeOf } from './output/exit-codes.ts';
import type { BivdiffError } from '../common/errors.ts';

/** A stream to write text to. */
export interface TextSink {
  write(text: string): unknown;
}

export interface ProgressTerminal extends TextSink {
  readonly isTty: boolean;
  /** Asked at every redraw: windows are resized. */
  columns(): number;
  rows(): number;
}

export interface Clock {
  /** Milliseconds from any fixed point. */
  nowMs(): number;
  /** Calls back once, later; returns what calls it off. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

/** Beside the flags of the same names. Passwords and tokens have no flags: those show in the list of processes. */
export type SecurityVariable =
  | 'BIVDIFF_TLS_CA'
  | 'BIVDIFF_TLS_CERT'
  | 'BIVDIFF_TLS_KEY'
  | 'BIVDIFF_TLS_CLIENT_CA'
  | 'BIVDIFF_TOKEN'
  | 'BIVDIFF_TOKEN_FILE'
  | 'BIVDIFF_TOKENS'
  | 'BIVDIFF_NATS_USER'
  | 'BIVDIFF_NATS_PASSWORD'
  | 'BIVDIFF_NATS_CREDENTIALS'
  | 'BIVDIFF_NATS_TLS_CA'
  | 'BIVDIFF_NATS_TLS_CERT'
  | 'BIVDIFF_NATS_TLS_KEY';

/** Which pod of which namespace this is, where it is one. */
export type PodVariable = 'POD_NAME' | 'POD_NAMESPACE';

export interface CliEnvironment {
  /** Absolute. */
  readonly folder: string;
  /** Results only. */
  readonly stdout: TextSink;
  /** Everything else. */
  readonly stderr: ProgressTerminal;
  readonly clock: Clock;
  readonly colors: boolean;
  /** Show stacks. */
  readonly debug: boolean;
  /** $BIVDIFF_STORE, if set. */
  readonly storeFolder: string | undefined;
  /** $BIVDIFF_SERVER, if set. */
  readonly server: string | undefined;
  /** $BIVDIFF_NATS, if set. */
  readonly nats: string | undefined;
  /** $BIVDIFF_PYTHON, if set. */
  readonly python: string | undefined;
  /** Settings that keep a farm safe, and the pod's names, from the environment; undefined where empty. */
  readonly variable: (name: SecurityVariable | PodVariable) => string | undefined;
  /** The sets that ship. Absolute. */
  readonly modelsFolder: string;
  readonly cores: number;
  /** The most memory that the process has held so far. */
  readonly peakMemoryBytes: () => number;
  /** `before` may look at what will be rendered, and refuse it, before there is a store. */
  readonly openFarm: (
    options: FarmOptions,
    before?: (look: RequestLook) => Promise<void>,
  ) => Promise<Farm>;
  /** Aborts at the first Ctrl-C. Asking arms it; before, Ctrl-C ends the process as usual. */
  readonly interruption: () => AbortSignal;
}

/** Prints an error, also as JSON if asked, and says what the exit code is. */
export function reportError(
  error: BivdiffError,
  environment: Pick<CliEnvironment, 'stdout' | 'stderr' | 'debug'>,
  options: { readonly json: boolean },
): number {
  environment.stderr.write(errorText(error, { debug: environment.debug }));
  if (options.json) printJson(environment.stdout, errorJson(error));
  return exitCodeOf(error);
}

/** What prints a warning: beside progress, and with `--quiet` too. */
export function warningsTo(stderr: TextSink): (text: string) => void {
  return (text) => void stderr.write(`warning: ${text}\n`);
}

/** One object, indented, with a newline. */
export function printJson(sink: TextSink, value: unknown): void {
  sink.write(`${JSON.stringify(value, null, 2)}\n`);
}
