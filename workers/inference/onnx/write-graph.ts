// Fields of a graph's file that are made anew, and the file itself. Field numbers are those of onnx.proto (IR version 10).

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

import { GRAPH } from './onnx-graph.ts';
import type { Field, GraphField } from './onnx-graph.ts';

export interface CutGraph {
  /** An ONNX file; its external data lies where that of the graph does. */
  readonly bytes: Uint8Array;
  /** Of all its weights once loaded. */
  readonly weightBytes: number;
}

/** The file, with another graph in its graph's place. */
export function writeModel(model: readonly Field[], graph: readonly Field[]): Uint8Array {
  const written = new BinaryWriter();
  for (const { number, raw } of model) {
    if (number === GRAPH) written.uint32(tag(GRAPH)).bytes(joined(graph));
    else written.raw(raw);
  }
  return written.finish();
}

function joined(fields: readonly Field[]): Uint8Array {
  const graph = new BinaryWriter();
  for (const { raw } of fields) graph.raw(raw);
  return graph.finish();
}

export function messageField(number: number, bytes: Uint8Array): GraphField {
  return { number, bytes, raw: new BinaryWriter().uint32(tag(number)).bytes(bytes).finish() };
}

export function nodeField(bytes: Uint8Array): GraphField {
  return messageField(1, bytes);
}

export function identityNode(from: string, to: string): Uint8Array {
  return nodeNamed('Identity', from, to).finish();
}

/** To the same type it is no work. */
export function castNode(from: string, to: string, type: number): Uint8Array {
  const attribute = new BinaryWriter().uint32(tag(1)).string('to');
  // i, and type INT.
  attribute.uint32(tag(3, WireType.Varint)).int64(type).uint32(tag(20, WireType.Varint)).int32(2);
  return nodeNamed('Cast', from, to).uint32(tag(5)).bytes(attribute.finish()).finish();
}

function nodeNamed(operator: string, from: string, to: string): BinaryWriter {
  const node = new BinaryWriter().uint32(tag(1)).string(from).uint32(tag(2)).string(to);
  return node.uint32(tag(4)).string(operator);
}

export function valueInfo(name: string, type: number, batch: string): Uint8Array {
  const shape = new BinaryWriter();
  for (const axis of [batch, ...['channels', 'height', 'width'].map((one) => `${name}_${one}`)]) {
    shape.uint32(tag(1)).bytes(new BinaryWriter().uint32(tag(2)).string(axis).finish());
  }
  const tensor = new BinaryWriter().uint32(tag(1, WireType.Varint)).int32(type);
  tensor.uint32(tag(2)).bytes(shape.finish());
  const kind = new BinaryWriter().uint32(tag(1)).bytes(tensor.finish()).finish();
  return new BinaryWriter().uint32(tag(1)).string(name).uint32(tag(2)).bytes(kind).finish();
}

function tag(number: number, wireType = WireType.LengthDelimited): number {
  return (number << 3) | wireType;
}
