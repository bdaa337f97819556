// A UNet's graph along control pictures as two. What it makes of the pictures alone is the same at all steps of a task: the embedding of each ControlNet, all
// of a T2I-Adapter but its weight. One graph makes these hints, the other takes them, and together they give the bits of the whole.

import { readFileSync } from 'node:fs';

import { readOnnxFile } from '../../../common/models/onnx-file.ts';
import { FLOAT16, isReached, nodesOf, reachOf, readModel, weightBytesOf } from './onnx-graph.ts';
import type { GraphField, Input, Node } from './onnx-graph.ts';
import { castNode, messageField, nodeField, valueInfo, writeModel } from './write-graph.ts';
import type { CutGraph } from './write-graph.ts';

export const SAMPLE = 'sample';
export const SCALES = 'conditioning_scales';
const PICTURES = ['controlnet_conds', 'adapter_conds'];

export interface SplitGraph {
  /** Name of the input that the first graph has, alone, and the other has not. */
  readonly pictures: string;
  /** Its outputs, `[batch, channels, h, w]`, are inputs of the other. */
  readonly hints: CutGraph;
  readonly rest: CutGraph;
}

/**
 * Undefined for a graph that sees no control pictures, or whose hints are in other values than these. `cut`: what was made of the file. Reads the graph's file
 * whole; weights that lie in others are not touched. Blocks meanwhile.
 * @throws failed-precondition — the file cannot be read
 */
export function splitControls(path: string, cut?: CutGraph): SplitGraph | undefined {
  const { form, inputs } = readOnnxFile(path);
  const pictures = PICTURES.find((name) => inputs.includes(name));
  if (pictures === undefined) return undefined;
  const { model, graph } = readModel(cut?.bytes ?? readFileSync(path));
  const nodes = nodesOf(graph);
  const sample = graph.inputs.find(({ name }) => name === SAMPLE);
  const hints = hintsOf(nodes);
  const outputs = graph.fields.flatMap(({ number, name }) => (number === 12 ? [name!] : []));
  const rest = reachOf(graph, outputs, hints);
  const isSplit = hints.length > 0 && !rest.values.has(pictures);
  if (sample === undefined || !isSplit || nodes.some(({ isControlFlow }) => isControlFlow))
    return undefined;
  const [type, inner] = [sample.type, innerType(form, sample)];
  const named = hints.map((name, i) => ({ name, as: `control_hints_${i}` }));
  const values = (field: 11 | 12): readonly GraphField[] =>
    named.map(({ as }) => messageField(field, valueInfo(as, type, sample.batch)));
  const first = reachOf(graph, hints);
  const write = (fields: readonly GraphField[]): CutGraph => {
    return { bytes: writeModel(model, fields), weightBytes: weightBytesOf(fields, inner) };
  };
  return {
    pictures,
    hints: write([
      ...graph.fields.filter((field) => isReached(field, [], first)),
      ...named.map(({ name, as }) => nodeField(castNode(name, as, type))),
      ...values(12),
    ]),
    rest: write([
      // A node stands behind those that make what it reads.
      ...named.map(({ name, as }) => nodeField(castNode(as, name, inner))),
      ...graph.fields.filter((field) => isReached(field, outputs, rest)),
      ...values(11),
    ]),
  };
}

/** The type that a graph of this form computes in (TensorProto.DataType), whatever its edges are. */
export function innerType(form: string | undefined, sample: Input): number {
  return form?.split('+').includes('float16') === true ? FLOAT16 : sample.type;
}

/** Feature maps that are made of control pictures alone, and are read by what sees more. */
export function hintsOf(nodes: readonly Node[]): readonly string[] {
  const settled = new Set(PICTURES);
  const varying = new Set([SAMPLE, 'timestep', 'encoder_hidden_states', SCALES]);
  const maps = new Set<string>();
  const hints = new Set<string>();
  for (const { operator, inputs, outputs } of nodes) {
    const isVarying = inputs.some((name) => varying.has(name));
    if (isVarying) {
      for (const name of inputs) if (maps.has(name)) hints.add(name);
      for (const name of outputs) varying.add(name);
    } else if (inputs.some((name) => settled.has(name))) {
      // What is told of a map's size is none.
      const isMap =
        operator === 'Conv' || (operator !== 'Shape' && inputs.some((name) => maps.has(name)));
      for (const name of outputs) {
        settled.add(name);
        if (isMap) maps.add(name);
      }
    }
  }
  return [...hints];
}
