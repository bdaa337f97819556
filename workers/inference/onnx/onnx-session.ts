// A Session over one ONNX graph, by ONNX Runtime. It runs on the calling thread and blocks it, so only lanes and
// tools that may block use it. Knows nothing of stages.

import './no-telemetry.ts';
import * as ort from 'onnxruntime-node';
import { dirname } from 'node:path';

import { digestText } from '../../../common/digest.ts';
import { BivdiffError } from '../../../common/errors.ts';
import type { GraphForm } from '../../../common/models/graph-form.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import { versionOfPackage } from '../../../common/package-version.ts';
import type { Digest } from '../../../common/task.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { cutGraph } from './cut-graph.ts';
import type { OwnedSession } from '../ports.ts';
import { HintedSession } from './hinted-session.ts';
import { splitControls } from './split-controls.ts';
import type { CutGraph } from './write-graph.ts';
import { translateOnnxError } from './onnx-errors.ts';
import { dropGraph, keptGraph, keptGraphsHere, WEIGHTS_FILE } from './kept-graphs.ts';
import type { KeptGraphs } from './kept-graphs.ts';
import { graphValues, ortFeeds, tensorFromOrt } from './onnx-values.ts';
import type { GraphValue } from './onnx-values.ts';
import { cpuHardware } from '../numerics-class.ts';
import { providerOption } from './provider-option.ts';

export interface OnnxSessionOptions {
  /** The part's name, for errors. */
  readonly name: string;
  /** Path of the .onnx file; external data is looked for beside it. */
  readonly graph: string;
  /** @default the graph as it is */
  readonly form?: GraphForm | undefined;
  /** Threads inside one run. They change no bits, but for a batch of one: lone-sample.ts. */
  readonly threads: number;
  /** Tried in order, as ONNX Runtime names them; `cuda:1` is the second of its devices. @default ['cpu'] */
  readonly executionProviders?: readonly string[];
  /** Of the part, by which the graph is kept as ONNX Runtime has optimised it. @default it is not kept */
  readonly digest?: Digest;
  /** Where. @default as the environment says */
  readonly kept?: KeptGraphs;
}

export type OnnxSession = OwnedSession;

/**
 * Loads a graph. Blocks the calling thread while ONNX Runtime reads and optimises it.
 * @throws failed-precondition — a file is missing or damaged, or the provider is not on this machine
 * @throws resource-exhausted — not enough memory
 */
export async function openOnnxSession(options: OnnxSessionOptions): Promise<OnnxSession> {
  // Whatever ONNX Runtime would print is thrown as well, and translated: nothing on stderr.
  ort.env.logLevel = 'fatal';
  const { graph, form, name } = options;
  const opened: OnnxSession[] = [];
  const openNext = async (source: GraphSource): Promise<OnnxSession> => {
    const session = await openNative(options, source);
    opened.push(session);
    return session;
  };
  try {
    const cut = form && cutGraph(graph, form);
    const split = splitControls(graph, cut);
    if (split === undefined) return await openNext({ graph, cut, made: form });
    const hints = await openNext({ graph, cut: split.hints, made: `hints ${form ?? ''}` });
    const rest = await openNext({ graph, cut: split.rest, made: `hinted ${form ?? ''}` });
    return new HintedSession(split.pictures, { hints, rest });
  } catch (reason) {
    for (const session of opened) await session.release();
    throw translateOnnxError(reason, { phase: 'load', name, path: graph });
  }
}

async function openNative(options: OnnxSessionOptions, source: GraphSource): Promise<OnnxSession> {
  const native = (await openKept(options, source)) ?? (await open(options, source));
  try {
    return new NativeSession(options, native);
  } catch (reason) {
    await native.release();
    throw reason;
  }
}

/** A file, or what was made of it. */
interface GraphSource {
  readonly graph: string;
  readonly cut?: CutGraph | undefined;
  /** Name of what was made of it. @default it is the file */
  readonly made?: string | undefined;
}

async function open(
  { executionProviders = ['cpu'], threads }: OnnxSessionOptions,
  { graph, cut }: GraphSource,
  { extra, ...more }: ort.InferenceSession.SessionOptions = {},
): Promise<ort.InferenceSession> {
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: executionProviders.map(providerOption),
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
    ...more,
  };
  if (cut === undefined)
    return ort.InferenceSession.create(graph, { ...options, extra: extra ?? {} });
  const beside = { [WEIGHTS_FOLDER]: dirname(graph) };
  return ort.InferenceSession.create(cut.bytes, { ...options, extra: { ...extra, ...beside } });
}

/** From what is kept, which is made if need be. Undefined if it is none that is kept. Its bits are those of the graph. */
async function openKept(
  options: OnnxSessionOptions,
  source: GraphSource,
): Promise<ort.InferenceSession | undefined> {
  const { digest, executionProviders = ['cpu'], kept = keptGraphsHere() } = options;
  // What other providers make of a graph is tied to their devices.
  const isKept = digest !== undefined && executionProviders.every((name) => name === 'cpu');
  if (!isKept || kept === undefined) return undefined;
  const { weightBytes } = source.cut ?? readOnnxFile(source.graph);
  if (weightBytes < kept.weightBytesMin) return undefined;
  const key = keyOf(digest, source.made);
  const make = async (path: string): Promise<void> => {
    const session = await open(options, source, { optimizedModelFilePath: path, extra: KEEPING });
    await session.release();
  };
  const path = await keptGraph(kept, key, { weightBytes, make });
  if (path === undefined) return undefined;
  try {
    // As it is: it would only be optimised again.
    return await open(options, { graph: path }, { graphOptimizationLevel: 'disabled' });
  } catch {
    await dropGraph(kept, key);
    return undefined;
  }
}

/** What ONNX Runtime makes of a graph depends on its version, and on what the processor's kernels want. */
function keyOf(digest: Digest, made: string | undefined): Digest {
  const version = versionOfPackage('onnxruntime-node');
  const graph = made === undefined ? digest : `${digest} ${made}`;
  return digestText(`${graph} onnxruntime-${version} ${cpuHardware()}`);
}

/** All weights into one file, also those that are laid out for products, so that the file is mapped and nothing is made of it. */
const KEEPING = {
  'session.optimized_model_external_initializers_file_name': WEIGHTS_FILE,
  'session.optimized_model_external_initializers_min_size_in_bytes': '1024',
  'session.save_external_prepacked_constant_initializers': '1',
};

/** Where a graph that is no file has its external data. */
const WEIGHTS_FOLDER = 'session.model_external_initializers_file_folder_path';

class NativeSession implements OnnxSession {
  readonly name: string;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  busySeconds = 0;
  readonly #graph: string;
  #native: ort.InferenceSession | undefined;

  constructor(options: OnnxSessionOptions, native: ort.InferenceSession) {
    this.name = options.name;
    this.#graph = options.graph;
    this.inputs = graphValues(native.inputMetadata, options.name);
    this.outputs = graphValues(native.outputMetadata, options.name);
    this.#native = native;
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> {
    if (this.#native === undefined) {
      throw new BivdiffError('failed-precondition', `graph ${this.name} was released`);
    }
    const values = await this.#runNative(this.#native, ortFeeds(this.inputs, feeds, this.name));
    return Object.fromEntries(
      this.outputs.map((output) => {
        return [output.name, tensorFromOrt(output, values[output.name]!, this.name)];
      }),
    );
  }

  async release(): Promise<void> {
    const native = this.#native;
    this.#native = undefined;
    await native?.release();
  }

  async #runNative(
    native: ort.InferenceSession,
    feeds: Record<string, ort.Tensor>,
  ): Promise<ort.InferenceSession.OnnxValueMapType> {
    const startedMs = performance.now();
    try {
      return await native.run(feeds);
    } catch (reason) {
      throw translateOnnxError(reason, { phase: 'run', name: this.name, path: this.#graph });
    } finally {
      this.busySeconds += (performance.now() - startedMs) / 1000;
    }
  }
}
