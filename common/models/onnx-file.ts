// What an ONNX file says about itself: which operators it has, which other files hold its weights and how much memory
// these need. Field numbers are those of onnx.proto (IR version 10). Knows nothing of ONNX Runtime.

import { BivdiffError } from '../errors.ts';
import { ProtobufFile } from './protobuf-walk.ts';
import type { Field, Span } from './protobuf-walk.ts';

export interface OnnxFileFacts {
  /** Files that hold weights, sorted by location. */
  readonly externalFiles: readonly ExternalFile[];
  /** Bytes of all weights once loaded: half precision counts as float32, into which it is cast, unless the graph computes in it. */
  readonly weightBytes: number;
  /** What `models/export` says that it is, if it does not compute in float32 with weights as stored: `float16`, `int8`, `float16+int8`. */
  readonly form?: string;
  /** Names of the graph's inputs. */
  readonly inputs: readonly string[];
  /** Operators of ONNX itself, not of other domains; each once, sorted. */
  readonly operators: readonly string[];
}

export interface ExternalFile {
  /** As the graph names it: relative to the graph's folder. */
  readonly location: string;
  /** How long it must be at least. */
  readonly bytesNeeded: number;
}

/** Messages that can hold a tensor, and where: field number to the message there. */
const tensorHolders: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
};

/** Among a model's metadata, which `models/export` writes. */
const FORM = 'bivdiff.form';
const HALF = 'float16';

/** Names of ONNX's own domain. */
const OWN_DOMAINS: readonly string[] = ['', 'ai.onnx'];

const FLOAT16 = 10;

/** TensorProto.DataType to bytes in memory. */
const bytesByType: Readonly<Record<number, number>> = {
  2: 1, // uint8
  3: 1, // int8
  4: 2, // uint16
  5: 2, // int16
  7: 8, // int64
  9: 1, // bool
  11: 8, // double
  13: 8, // uint64
};

/**
 * Reads the file's structure, not its weights, so it takes milliseconds whatever the size. Blocks while it reads.
 * @throws failed-precondition — absent, or not an ONNX model
 */
export function readOnnxFile(path: string): OnnxFileFacts {
  const needed = new Map<string, number>();
  const operators = new Set<string>();
  const metadata = new Map<string, string>();
  const inputs: string[] = [];
  let weightBytes = 0;
  let halfBytes = 0;
  try {
    using file = new ProtobufFile(path);
    let graphs = 0;
    const visit = (message: string, span: Span): void => {
      const operator: Operator = { name: '', domain: '' };
      for (const field of file.fields(span)) {
        if (message === 'node') readOperator(file, field, operator);
        if (message === 'model' && field.number === 14) readEntry(file, field, metadata);
        const child = tensorHolders[message]?.[field.number];
        if (child === undefined) continue;
        if (field.kind !== 'bytes') throw new RangeError(`a ${child} that is a number`);
        if (message === 'model' && child === 'graph') {
          graphs += 1;
          inputs.push(...inputNames(file, field.span));
        }
        if (child !== 'tensor') {
          visit(child, field.span);
          continue;
        }
        const tensor = readTensor(file, field.span);
        weightBytes += tensor.bytes;
        halfBytes += tensor.halfBytes;
        const { external } = tensor;
        if (external === undefined) continue;
        const before = needed.get(external.location) ?? 0;
        needed.set(external.location, Math.max(before, external.bytesNeeded));
      }
      const { name, domain } = operator;
      if (message === 'node' && OWN_DOMAINS.includes(domain)) operators.add(name);
    };
    visit('model', { start: 0, end: file.bytes });
    if (graphs !== 1) throw new RangeError('no graph in it');
  } catch (reason) {
    throw translate(reason, path);
  }
  const externalFiles = [...needed]
    .map(([location, bytesNeeded]) => ({ location, bytesNeeded }))
    .sort((a, b) => (a.location < b.location ? -1 : 1));
  const form = metadata.get(FORM);
  return {
    externalFiles,
    weightBytes: form?.split('+').includes(HALF) === true ? weightBytes - halfBytes : weightBytes,
    inputs,
    operators: [...operators].sort(),
    ...(form === undefined ? {} : { form }),
  };
}

function* inputNames(file: ProtobufFile, graph: Span): Generator<string> {
  for (const input of file.fields(graph)) {
    if (input.number !== 11 || input.kind !== 'bytes') continue;
    for (const field of file.fields(input.span)) {
      if (field.number === 1 && field.kind === 'bytes') yield file.text(field.span);
    }
  }
}

/** Notes an operator's name or domain, if the node's field is one of these. */
function readOperator(file: ProtobufFile, field: Field, operator: Operator): void {
  if (field.kind !== 'bytes') return;
  if (field.number === 4) operator.name = file.text(field.span);
  else if (field.number === 7) operator.domain = file.text(field.span);
}

interface Operator {
  name: string;
  domain: string;
}

interface TensorFacts {
  readonly bytes: number;
  /** Of these, what float16 would not need. */
  readonly halfBytes: number;
  readonly external?: ExternalFile;
}

function readTensor(file: ProtobufFile, span: Span): TensorFacts {
  let elements = 1;
  let type = 1;
  let isExternal = false;
  const entries = new Map<string, string>();
  for (const field of file.fields(span)) {
    if (field.number === 1) for (const size of file.numbers(field)) elements *= size;
    else if (field.number === 2 && field.kind === 'number') type = Number(field.value);
    else if (field.number === 13) readEntry(file, field, entries);
    else if (field.number === 14 && field.kind === 'number') isExternal = field.value === 1n;
  }
  const bytes = elements * (bytesByType[type] ?? 4);
  const halfBytes = type === FLOAT16 ? bytes / 2 : 0;
  const location = entries.get('location');
  if (!isExternal || location === undefined) return { bytes, halfBytes };
  const [offset, length] = ['offset', 'length'].map((key) => Number(entries.get(key) ?? 0));
  return { bytes, halfBytes, external: { location, bytesNeeded: offset! + length! } };
}

/** Of a list of key-value pairs: metadata, or external data with its location, offset and length. */
function readEntry(file: ProtobufFile, pair: Field, entries: Map<string, string>): void {
  if (pair.kind !== 'bytes') throw new RangeError('a key and value that are a number');
  const texts = new Map<number, string>();
  for (const field of file.fields(pair.span)) {
    if (field.kind === 'bytes') texts.set(field.number, file.text(field.span));
  }
  entries.set(texts.get(1) ?? '', texts.get(2) ?? '');
}

function translate(reason: unknown, path: string): BivdiffError {
  if (reason instanceof RangeError) {
    return new BivdiffError(
      'failed-precondition',
      `${path} is not a sound ONNX model: ${reason.message}`,
      {
        hint: 'The file is damaged or of another kind: fetch it again, or export the model again.',
        cause: reason,
      },
    );
  }
  const failed = BivdiffError.from(reason, `reading ${path}`);
  if (failed.code !== 'not-found') return failed;
  return new BivdiffError('failed-precondition', `${path} does not exist`, {
    hint: 'Run `bivdiff models check` on the model folder.',
    cause: reason,
  });
}
