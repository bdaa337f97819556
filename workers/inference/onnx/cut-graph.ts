// Two graphs made of a UNet's, for steps that use the deep features of an earlier one again: DeepCache (arXiv 2312.00858), cut where most is saved,
// before the last layer of the last up block. That layer alone joins its input to the first skip connection, so what is left is the first
// convolution, the first part of each ControlNet, this layer and the last convolution. Field numbers are those of onnx.proto (IR version 10).

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { readFileSync } from 'node:fs';

import { BivdiffError } from '../../../common/errors.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';

/** `deep`: the whole graph, which also gives the features. `shallow`: what comes behind them, which takes them as an input. */
export type GraphForm = 'deep' | 'shallow';

/** `[batch, channels, h, w]`, for clips `[batch * frames, channels, h, w]`; only these two graphs know what is in it. */
export const DEEP_FEATURES = 'deep_features';

export interface CutGraph {
  /** An ONNX file; its external data lies where that of the graph does. */
  readonly bytes: Uint8Array;
  /** Of all its weights once loaded. */
  readonly weightBytes: number;
}

const SAMPLE = 'sample';
const NOISE = 'out_sample';
const FLOAT16 = 10;
/** More of the nodes than this in the shallow graph: it was cut in the wrong place. */
const SHALLOW_SHARE_MAX = 0.5;

/**
 * Reads the graph's file whole; weights that lie in others are not touched. Blocks meanwhile.
 * @throws failed-precondition — the file cannot be read, or it is no UNet that can be cut
 */
export function cutGraph(path: string, form: GraphForm): CutGraph {
  // First, since it tells in its own words what is wrong with the file.
  const { weightBytes, form: numbers } = readOnnxFile(path);
  const model = [...fieldsOf(readFileSync(path))];
  const graph = readGraph(model.find(({ number }) => number === 7)!.bytes!);
  const sample = graph.inputs.find(({ name }) => name === SAMPLE);
  const cut = sample === undefined ? undefined : findCut(graph);
  if (sample === undefined || cut === undefined) throw uncut(path);
  const inner = numbers?.split('+').includes('float16') === true ? FLOAT16 : sample.type;
  const fields = form === 'deep' ? graph.fields : graph.fields.filter((one) => isShallow(one, cut));
  const casts = { features: cut.features, outer: sample.type, inner };
  const written = new BinaryWriter();
  for (const field of model) {
    if (field.number !== 7) written.raw(field.raw);
    else written.uint32(tag(7)).bytes(writeGraph(fields, { form, ...casts, batch: sample.batch }));
  }
  const bytes = written.finish();
  if (form === 'deep') return { bytes, weightBytes };
  const weights = fields.flatMap(({ weight }) => weight ?? []);
  return { bytes, weightBytes: weights.reduce((sum, { bytesAs }) => sum + bytesAs(inner), 0) };
}

interface Field {
  readonly number: number;
  /** With its tag. */
  readonly raw: Uint8Array;
  /** Of a message or a text. */
  readonly bytes?: Uint8Array;
  readonly value?: number;
}

interface GraphField extends Field {
  readonly node?: Node;
  readonly weight?: Weight;
  /** Name of an input or output. */
  readonly name?: string;
}

interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly axis: number | undefined;
  /** It runs graphs of its own, which may read any value. */
  readonly isControlFlow: boolean;
}

interface Weight {
  readonly name: string;
  readonly bytesAs: (floats: number) => number;
}

interface Input {
  readonly name: string;
  /** TensorProto.DataType. */
  readonly type: number;
  /** Name of what its first axis counts, for an input of that rank. */
  readonly batch: string;
}

interface Graph {
  readonly fields: readonly GraphField[];
  readonly inputs: readonly Input[];
}

interface Cut {
  readonly features: string;
  readonly nodes: ReadonlySet<Node>;
  /** All values that these nodes read. */
  readonly values: ReadonlySet<string>;
}

/** Undefined where no layer joins a skip connection so late that little is left behind it. */
function findCut({ fields }: Graph): Cut | undefined {
  const nodes = fields.flatMap(({ node }) => node ?? []);
  if (nodes.some(({ isControlFlow }) => isControlFlow)) return undefined;
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const joins = nodes.filter(({ operator, inputs, axis }) => {
    return operator === 'Concat' && inputs.length === 2 && axis === 1;
  });
  const features = joins.at(-1)?.inputs[0];
  if (features === undefined || !makers.has(features)) return undefined;
  const kept = new Set<Node>();
  const values = new Set<string>();
  const open = [NOISE];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (values.has(name)) continue;
    values.add(name);
    const maker = name === features ? undefined : makers.get(name);
    if (maker === undefined || kept.has(maker)) continue;
    kept.add(maker);
    open.push(...maker.inputs);
  }
  const isCut = values.has(features) && values.has(SAMPLE) && makers.has(NOISE);
  return isCut && kept.size <= SHALLOW_SHARE_MAX * nodes.length
    ? { features, nodes: kept, values }
    : undefined;
}

/** Facts about values in between (13) are left out: ONNX Runtime infers them. */
function isShallow({ number, node, weight, name }: GraphField, { nodes, values }: Cut): boolean {
  if (node !== undefined) return nodes.has(node);
  if (weight !== undefined) return values.has(weight.name);
  if (number === 12) return name === NOISE;
  if (number === 11) return values.has(name!);
  return number !== 13;
}

interface Written {
  readonly form: GraphForm;
  readonly features: string;
  readonly outer: number;
  readonly inner: number;
  readonly batch: string;
}

function writeGraph(
  fields: readonly GraphField[],
  { form, features, outer, inner, batch }: Written,
): Uint8Array {
  const graph = new BinaryWriter();
  const others = (): void => {
    for (const { raw } of fields) graph.raw(raw);
  };
  const value = valueInfo(outer, batch);
  if (form === 'deep') {
    others();
    graph.uint32(tag(1)).bytes(castNode(features, DEEP_FEATURES, outer));
    graph.uint32(tag(12)).bytes(value);
  } else {
    // A node stands behind those that make what it reads.
    graph.uint32(tag(1)).bytes(castNode(DEEP_FEATURES, features, inner));
    others();
    graph.uint32(tag(11)).bytes(value);
  }
  return graph.finish();
}

/** To the same type it is no work. */
function castNode(from: string, to: string, type: number): Uint8Array {
  const attribute = new BinaryWriter().uint32(tag(1)).string('to');
  // i, and type INT.
  attribute.uint32(tag(3, WireType.Varint)).int64(type).uint32(tag(20, WireType.Varint)).int32(2);
  const node = new BinaryWriter().uint32(tag(1)).string(from).uint32(tag(2)).string(to);
  node.uint32(tag(4)).string('Cast').uint32(tag(5)).bytes(attribute.finish());
  return node.finish();
}

function valueInfo(type: number, batch: string): Uint8Array {
  const shape = new BinaryWriter();
  for (const name of [batch, 'deep_channels', 'deep_height', 'deep_width']) {
    shape.uint32(tag(1)).bytes(new BinaryWriter().uint32(tag(2)).string(name).finish());
  }
  const tensor = new BinaryWriter().uint32(tag(1, WireType.Varint)).int32(type);
  tensor.uint32(tag(2)).bytes(shape.finish());
  const kind = new BinaryWriter().uint32(tag(1)).bytes(tensor.finish()).finish();
  return new BinaryWriter()
    .uint32(tag(1))
    .string(DEEP_FEATURES)
    .uint32(tag(2))
    .bytes(kind)
    .finish();
}

function readGraph(bytes: Uint8Array): Graph {
  const inputs: Input[] = [];
  const fields = [...fieldsOf(bytes)].map((field): GraphField => {
    const { number, bytes: message } = field;
    if (message === undefined) return field;
    if (number === 1) return { ...field, node: readNode(message) };
    if (number === 5) return { ...field, weight: readWeight(message) };
    if (number !== 11 && number !== 12) return field;
    const value = readValue(message);
    if (number === 11) inputs.push(value);
    return { ...field, name: value.name };
  });
  return { fields, inputs };
}

function readNode(bytes: Uint8Array): Node {
  const fields = [...fieldsOf(bytes)];
  const attributes = fields
    .filter(({ number }) => number === 5)
    .map((field) => [...fieldsOf(field.bytes!)]);
  const axis = attributes.find((one) => textsOf(one, 1)[0] === 'axis');
  return {
    operator: textsOf(fields, 4)[0] ?? '',
    inputs: textsOf(fields, 1),
    outputs: textsOf(fields, 2),
    axis: axis?.find(({ number }) => number === 3)?.value,
    isControlFlow: attributes.some((one) =>
      one.some(({ number }) => number === 6 || number === 11),
    ),
  };
}

function readWeight(bytes: Uint8Array): Weight {
  const fields = [...fieldsOf(bytes)];
  let elements = 1;
  for (const field of fields)
    if (field.number === 1) for (const size of sizesOf(field)) elements *= size;
  const type = fields.find(({ number }) => number === 2)?.value;
  const isByte = type === 2 || type === 3;
  return {
    name: textsOf(fields, 8)[0] ?? '',
    // Halves are cast to float32, unless the graph computes in them.
    bytesAs: (floats) => elements * (isByte ? 1 : type === FLOAT16 && floats === FLOAT16 ? 2 : 4),
  };
}

/** A list of numbers: one as it is, or many packed into one field. */
function sizesOf({ value, bytes }: Field): readonly number[] {
  if (bytes === undefined) return [value!];
  const reader = new BinaryReader(bytes);
  const sizes: number[] = [];
  while (reader.pos < reader.len) sizes.push(Number(reader.int64()));
  return sizes;
}

function readValue(bytes: Uint8Array): Input {
  const fields = [...fieldsOf(bytes)];
  const inside = (message: readonly Field[], number: number): readonly Field[] => {
    const found = message.find((field) => field.number === number)?.bytes;
    return found === undefined ? [] : [...fieldsOf(found)];
  };
  const tensor = inside(inside(fields, 2), 1);
  const axes = inside(tensor, 2).map(
    ({ bytes: axis }) => textsOf([...fieldsOf(axis!)], 2)[0] ?? '',
  );
  const [batch = ''] = axes;
  return {
    name: textsOf(fields, 1)[0] ?? '',
    type: tensor.find(({ number }) => number === 1)?.value ?? 1,
    // The frames of a clip are joined to its batch.
    batch: axes.length === 5 ? `${batch}*frames` : batch,
  };
}

function textsOf(fields: readonly Field[], number: number): readonly string[] {
  return fields
    .filter((field) => field.number === number)
    .map(({ bytes }) => Buffer.from(bytes!).toString('utf8'));
}

function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    let told: Pick<Field, 'bytes' | 'value'> = {};
    if (wireType === WireType.LengthDelimited) told = { bytes: reader.bytes() };
    else if (wireType === WireType.Varint) told = { value: Number(reader.int64()) };
    else reader.skip(wireType, number);
    yield { number, ...told, raw: message.subarray(start, reader.pos) };
  }
}

function tag(number: number, wireType = WireType.LengthDelimited): number {
  return (number << 3) | wireType;
}

function uncut(path: string): BivdiffError {
  return new BivdiffError('failed-precondition', `${path} cannot be cut for --cache-interval`, {
    retry: 'never',
    hint: 'No layer of it joins the first skip connection alone: render without --fast and --cache-interval.',
    details: { graph: path },
  });
}
