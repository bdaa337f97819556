// A graph's file as its fields, so that another can be written of them (write-graph.ts): nodes and weights as they are, some left out, some replaced. Field
// numbers are those of onnx.proto (IR version 10). Knows no kind of graph.

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** TensorProto.DataType. */
export const FLOAT16 = 10;
/** Of a model's file. */
export const GRAPH = 7;

export interface Field {
  readonly number: number;
  /** With its tag. */
  readonly raw: Uint8Array;
  /** Of a message or a text. */
  readonly bytes?: Uint8Array;
  readonly value?: number;
}

export interface GraphField extends Field {
  readonly node?: Node;
  readonly weight?: Weight;
  /** Name of an input or output. */
  readonly name?: string;
}

export interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly axis: number | undefined;
  /** It runs graphs of its own, which may read any value. */
  readonly isControlFlow: boolean;
}

export interface Weight {
  readonly name: string;
  readonly bytesAs: (floats: number) => number;
}

export interface Input {
  readonly name: string;
  /** TensorProto.DataType. */
  readonly type: number;
  /** Name of what its first axis counts, for an input of that rank. */
  readonly batch: string;
}

export interface Graph {
  readonly fields: readonly GraphField[];
  readonly inputs: readonly Input[];
}

/** What makes the values of these names, from the graph's inputs or from `known`. */
export interface Reach {
  readonly nodes: ReadonlySet<Node>;
  /** All that these nodes read, and the names themselves. */
  readonly values: ReadonlySet<string>;
}

export function reachOf(
  graph: Graph,
  names: readonly string[],
  known: readonly string[] = [],
): Reach {
  const nodes = nodesOf(graph);
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const kept = new Set<Node>();
  const values = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (values.has(name)) continue;
    values.add(name);
    const maker = known.includes(name) ? undefined : makers.get(name);
    if (maker === undefined || kept.has(maker)) continue;
    kept.add(maker);
    open.push(...maker.inputs);
  }
  return { nodes: kept, values };
}

/** In the order of the file, in which each stands behind what makes its inputs. */
export function nodesOf({ fields }: Graph): readonly Node[] {
  return fields.flatMap(({ node }) => node ?? []);
}

/** Without what nothing reads. Facts about values in between (13) are left out: ONNX Runtime infers them. */
export function isReached(
  field: GraphField,
  outputs: readonly string[],
  { nodes, values }: Reach,
): boolean {
  const { number, node, weight, name } = field;
  if (node !== undefined) return nodes.has(node);
  if (weight !== undefined) return values.has(weight.name);
  if (number === 12) return outputs.includes(name!);
  if (number === 11) return values.has(name!);
  return number !== 13;
}

/** Of all weights among the fields, once loaded. `floats`: the type that the graph computes in. */
export function weightBytesOf(fields: readonly GraphField[], floats: number): number {
  return fields.reduce((sum, { weight }) => sum + (weight?.bytesAs(floats) ?? 0), 0);
}

/** @throws RangeError — there is no graph in it */
export function readModel(bytes: Uint8Array): {
  readonly model: readonly Field[];
  readonly graph: Graph;
} {
  const model = [...fieldsOf(bytes)];
  const graph = model.find(({ number }) => number === GRAPH)?.bytes;
  if (graph === undefined) throw new RangeError('no graph in it');
  return { model, graph: readGraph(graph) };
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
