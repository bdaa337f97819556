// What is made of a UNet's graph when it is loaded.
//
// For steps that use the deep features of an earlier one again: DeepCache (arXiv 2312.00858), cut where most is saved, before the last layer of the last up
// block. That layer alone joins its input to the first skip connection, so what is left behind it is the first convolution, that of each ControlNet, this
// layer and the last convolution. What ControlNets make of the control pictures alone is the same at all steps, and taken from the earlier one too.
//
// For steps at which controls weigh nothing: the graph without its ControlNets or T2I-Adapters, which gives the same bits.

import { readFileSync } from 'node:fs';

import { BivdiffError } from '../../../common/errors.ts';
import type { GraphForm } from '../../../common/models/graph-form.ts';
import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import {
  castNode,
  identityNode,
  nodeField,
  messageField,
  valueInfo,
  writeModel,
} from './write-graph.ts';
import type { CutGraph } from './write-graph.ts';
import { isReached, nodesOf, reachOf, readModel } from './onnx-graph.ts';
import { weightBytesOf } from './onnx-graph.ts';
import { hintsOf, innerType, SAMPLE, SCALES } from './split-controls.ts';
import type { Graph, GraphField, Node } from './onnx-graph.ts';

/** All other outputs of the deep graph are features, `[batch, channels, h, w]` or for clips `[batch * frames, channels, h, w]`: inputs of the shallow one. */
const NOISE = 'out_sample';

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
  const inner = innerType(numbers, sample);
  const made =
    form === 'uncontrolled' ? withoutControls(graph) : cutBefore(graph, form, { ...sample, inner });
  if (made === undefined) throw uncut(path, form);
  const bytes = writeModel(model, made);
  return { bytes, weightBytes: form === 'deep' ? weightBytes : weightBytesOf(made, inner) };
}

/** Of what is made of the graph, its weights once loaded; undefined if it cannot be made of it. */
export function cutWeightBytes(path: string, form: GraphForm): number | undefined {
  try {
    return cutGraph(path, form).weightBytes;
  } catch {
    return undefined;
  }
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
    ...graph.fields.filter((field) => isReached(field, [NOISE], left)),
    ...values(11),
  ];
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
    : fields.filter((field) => isReached(field, [NOISE], left));
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
