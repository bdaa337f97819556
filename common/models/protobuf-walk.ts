// Reads a protobuf file field by field without loading it: long fields are passed over by seeking. Knows the wire
// format only, no message of any kind.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** One field: its number and, by its wire type, a number or the span of its bytes in the file. */
export type Field =
  | { readonly number: number; readonly kind: 'number'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'bytes'; readonly span: Span };

/** Bytes of the file, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Bytes read at once. Graph nodes are some hundred bytes each, so this is many of them. */
const WINDOW_BYTES = 256 * 1024;

/** A file of protobuf messages, read by synchronous reads of 256 KiB. Close it. */
export class ProtobufFile implements Disposable {
  readonly bytes: number;
  readonly #file: number;
  #window = Buffer.alloc(0);
  #windowStart = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    this.bytes = fstatSync(this.#file).size;
  }

  /**
   * The fields of the message that fills `span`, in file order.
   * @throws RangeError — the bytes are no protobuf message
   */
  *fields(span: Span): Generator<Field> {
    let at = span.start;
    while (at < span.end) {
      const tag = this.#varint(at, span.end);
      at = tag.next;
      const number = Number(tag.value >> 3n);
      const wireType = Number(tag.value & 7n);
      if (number === 0) throw new RangeError(`field number 0 at byte ${String(at)}`);
      if (wireType === 0) {
        const { value, next } = this.#varint(at, span.end);
        at = next;
        yield { number, kind: 'number', value };
        continue;
      }
      const field = this.#span(wireType, at, span.end);
      at = field.end;
      yield { number, kind: 'bytes', span: field };
    }
  }

  /** A list of whole numbers: one as it is, or many packed into one field. */
  *numbers(field: Field): Generator<number> {
    if (field.kind === 'number') {
      yield Number(field.value);
      return;
    }
    let at = field.span.start;
    while (at < field.span.end) {
      const { value, next } = this.#varint(at, field.span.end);
      at = next;
      yield Number(value);
    }
  }

  text(span: Span): string {
    const [from, to] = [span.start - this.#windowStart, span.end - this.#windowStart];
    if (from >= 0 && to <= this.#window.length) return this.#window.toString('utf8', from, to);
    const bytes = Buffer.alloc(span.end - span.start);
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(this.#file, bytes, read, bytes.length - read, span.start + read);
      if (count === 0) throw new RangeError('the file ends early');
      read += count;
    }
    return bytes.toString('utf8');
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #span(wireType: number, at: number, end: number): Span {
    let span: Span;
    if (wireType === 2) {
      const length = this.#varint(at, end);
      span = { start: length.next, end: length.next + Number(length.value) };
    } else if (wireType === 1) span = { start: at, end: at + 8 };
    else if (wireType === 5) span = { start: at, end: at + 4 };
    else throw new RangeError(`wire type ${String(wireType)} at byte ${String(at)}`);
    if (span.end > end)
      throw new RangeError(`a field passes its message's end at byte ${String(at)}`);
    return span;
  }

  #varint(start: number, end: number): { readonly value: bigint; readonly next: number } {
    let value = 0n;
    for (let at = start, shift = 0n; at < end && shift < 70n; at += 1, shift += 7n) {
      const byte = this.#byte(at);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return { value, next: at + 1 };
    }
    throw new RangeError(`a number that does not end at byte ${String(start)}`);
  }

  #byte(at: number): number {
    const offset = at - this.#windowStart;
    if (offset >= 0 && offset < this.#window.length) return this.#window[offset]!;
    const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, this.bytes - at));
    const count = readSync(this.#file, window, 0, window.length, at);
    if (count === 0) throw new RangeError('the file ends early');
    this.#window = window.subarray(0, count);
    this.#windowStart = at;
    return this.#window[0]!;
  }
}
