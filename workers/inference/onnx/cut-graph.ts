// What is made of a UNet's graph when it is loaded.
//
// For steps that use the deep features of an earlier one again: DeepCache (arXiv 2312.00858), cut where most is saved, before the last layer of the last up
// block. That layer alone joins its input to the first skip connection, so what is left behind it is the first convolution, that of each ControlNet, this
// layer and the last convolution. What ControlNets make of the control pictures alone is the same at all steps, and taken from the earlier one too.
//
// For steps at which controls weigh nothing: the graph without its ControlNets or T2I-Adapters, which gives the same bits.

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { readFileSync } from 'node:fs';

import { BivdiffError } from '../../../common/errors.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import { FLOAT16, isReached, nodesOf, reachOf, readModel } from './onnx-graph.ts';
import { tag, weightBytesOf, writeModel } from './onnx-graph.ts';
import type { GraphForm } from '../graph-kind.ts';
import type { Graph, GraphField, Node } from './onnx-graph.ts';

/** All other outputs of the deep graph are features, `[batch, channels, h, w]` or for clips `[batch * frames, channels, h, w]`: inputs of the shallow one. */
const NOISE = 'out_sample';

export interface CutGraph {
  /** An ONNX file; its external data lies where that of the graph does. */
  readonly bytes: Uint8Array;
  /** Of all its weights once loaded. */
  readonly weightBytes: number;
}

const SAMPLE = 'sample';
const PICTURES = 'controlnet_conds';
const SCALES = 'conditioning_scales';
/** More of the nodes than this in the shallow graph: it was cut in the wrong place. */
const SHALLOW_SHARE_MAX = 0.5;

/**
 * Reads the graph's file whole; weights that lie in others are not touched. Blocks meanwhile.
 * @throws failed-precondition — the file cannot be read, or it is no UNet of which this can be made
 */
export function cutGraph(path: string, form: GraphForm): CutGraph {
  // First, since it tells in its own words what is wrong with the file.
  const { form: numbers, weightBytes } = readOnnxFile(path);
  const { model, graph } = readModel(readFileSync(path));
  const sample = graph.inputs.find(({ name }) => name === SAMPLE);
  const isFlat = !nodesOf(graph).some(({ isControlFlow }) => isControlFlow);
  if (sample === undefined || !isFlat) throw uncut(path, form);
  const inner = numbers?.split('+').includes('float16') === true ? FLOAT16 : sample.type;
  const made =
    form === 'uncontrolled' ? withoutControls(graph) : cutBefore(graph, form, { ...sample, inner });
  if (made === undefined) throw uncut(path, form);
  const bytes = writeModel(model, joined(made));
  return { bytes, weightBytes: form === 'deep' ? weightBytes : weightBytesOf(made, inner) };
}

function joined(fields: readonly Pick<GraphField, 'raw'>[]): Uint8Array {
  const graph = new BinaryWriter();
  for (const { raw } of fields) graph.raw(raw);
  return graph.finish();
}

interface Edge {
  /** TensorProto.DataType of the graph's own inputs, and of what it computes. */
  readonly type: number;
  readonly inner: number;
  /** Name of the sample's first axis. */
  readonly batch: string;
}

/** Undefined where no layer joins a skip connection so late that little is left behind it. */
function cutBefore(
  graph: Graph,
  form: 'deep' | 'shallow',
  { type, inner, batch }: Edge,
): readonly GraphField[] | undefined {
  const nodes = nodesOf(graph);
  const joins = nodes.filter(({ operator, inputs, axis }) => {
    return operator === 'Concat' && inputs.length === 2 && axis === 1;
  });
  const features = joins.at(-1)?.inputs[0];
  if (features === undefined || !nodes.some(({ outputs }) => outputs.includes(features)))
    return undefined;
  const taken = [features, ...hintsOf(nodes)];
  const left = reachOf(graph, [NOISE], taken);
  const isCut = left.values.has(features) && left.values.has(SAMPLE);
  if (!isCut || left.nodes.size > SHALLOW_SHARE_MAX * nodes.length) return undefined;
  const named = taken
    .filter((name) => left.values.has(name))
    .map((name, i) => ({ name, as: i === 0 ? 'deep_features' : `hint_features_${i}` }));
  const values = (field: 11 | 12): readonly GraphField[] =>
    named.map(({ as }) => messageField(field, valueInfo(as, type, batch)));
  if (form === 'deep') {
    const casts = named.map(({ name, as }) => nodeField(castNode(name, as, type)));
    return [...graph.fields, ...casts, ...values(12)];
  }
  return [
    // A node stands behind those that make what it reads.
    ...named.map(({ name, as }) => nodeField(castNode(as, name, inner))),
    ...graph.fields.filter((field) => isReached(field, NOISE, left)),
    ...values(11),
  ];
}

/** Convolutions that see nothing but control pictures, and are read by what sees more: of each ControlNet the last of its embedding. */
function hintsOf(nodes: readonly Node[]): readonly string[] {
  const settled = new Set([PICTURES]);
  const varying = new Set([SAMPLE, 'timestep', 'encoder_hidden_states', SCALES]);
  const hints = new Set<string>();
  const convolved = new Set<string>();
  for (const { operator, inputs, outputs } of nodes) {
    const isVarying = inputs.some((name) => varying.has(name));
    if (isVarying) for (const name of inputs) if (convolved.has(name)) hints.add(name);
    if (isVarying) for (const name of outputs) varying.add(name);
    else if (inputs.some((name) => settled.has(name))) {
      for (const name of outputs) {
        settled.add(name);
        if (operator === 'Conv') convolved.add(name);
      }
    }
  }
  return [...hints];
}

/** What a weight of 0 may pass on its way without being other than 0 in the end. */
const LINEAR = [
  'Mul',
  'Add',
  'Cast',
  'Gather',
  'Slice',
  'Squeeze',
  'Unsqueeze',
  'Reshape',
  'Split',
];

/** Undefined where the weights are used in another way than to weigh what is added. */
function withoutControls(graph: Graph): readonly GraphField[] | undefined {
  const weighed = new Set([SCALES]);
  const replaced = new Map<Node, string>();
  for (const node of nodesOf(graph)) {
    const [zeros, others] = [true, false].map((is) =>
      node.inputs.filter((name) => weighed.has(name) === is),
    );
    if (zeros!.length === 0) continue;
    if (!LINEAR.includes(node.operator)) return undefined;
    const isSum = node.operator === 'Add' && others!.length === 1;
    if (isSum) replaced.set(node, others![0]!);
    else for (const output of node.outputs) weighed.add(output);
  }
  if (replaced.size === 0) return undefined;
  const fields = graph.fields.map((field): GraphField => {
    const kept = field.node && replaced.get(field.node);
    if (kept === undefined) return field;
    const [output = ''] = field.node!.outputs;
    const node = { ...field.node!, operator: 'Identity', inputs: [kept] };
    return { ...nodeField(identityNode(kept, output)), node };
  });
  const left = reachOf({ ...graph, fields }, [NOISE]);
  return left.values.has(SCALES)
    ? undefined
    : fields.filter((field) => isReached(field, NOISE, left));
}

function messageField(number: number, bytes: Uint8Array): GraphField {
  return { number, bytes, raw: new BinaryWriter().uint32(tag(number)).bytes(bytes).finish() };
}

function nodeField(bytes: Uint8Array): GraphField {
  return messageField(1, bytes);
}

function identityNode(from: string, to: string): Uint8Array {
  return nodeNamed('Identity', from, to).finish();
}

/** To the same type it is no work. */
function castNode(from: string, to: string, type: number): Uint8Array {
  const attribute = new BinaryWriter().uint32(tag(1)).string('to');
  // i, and type INT.
  attribute.uint32(tag(3, WireType.Varint)).int64(type).uint32(tag(20, WireType.Varint)).int32(2);
  return nodeNamed('Cast', from, to).uint32(tag(5)).bytes(attribute.finish()).finish();
}

function nodeNamed(operator: string, from: string, to: string): BinaryWriter {
  const node = new BinaryWriter().uint32(tag(1)).string(from).uint32(tag(2)).string(to);
  return node.uint32(tag(4)).string(operator);
}

function valueInfo(name: string, type: number, batch: string): Uint8Array {
  const shape = new BinaryWriter();
  for (const axis of [batch, ...['channels', 'height', 'width'].map((one) => `${name}_${one}`)]) {
    shape.uint32(tag(1)).bytes(new BinaryWriter().uint32(tag(2)).string(axis).finish());
  }
  const tensor = new BinaryWriter().uint32(tag(1, WireType.Varint)).int32(type);
  tensor.uint32(tag(2)).bytes(shape.finish());
  const kind = new BinaryWriter().uint32(tag(1)).bytes(tensor.finish()).finish();
  return new BinaryWriter().uint32(tag(1)).string(name).uint32(tag(2)).bytes(kind).finish();
}

function uncut(path: string, form: GraphForm): BivdiffError {
  const [what, hint] =
    form === 'uncontrolled'
      ? [
          'has no controls that could be left out',
          'It was exported otherwise: export it with `models/export`.',
        ]
      : [
          'cannot be cut for --cache-interval',
          'No layer of it joins the first skip connection alone: render without --fast and --cache-interval.',
        ];
  return new BivdiffError('failed-precondition', `${path} ${what}`, {
    retry: 'never',
    hint: hint,
    details: { graph: path },
  });
}
