// Loses acknowledgements on their way from a client to nats-server, and counts them. Reads just enough of the NATS protocol for
// that: PUB and HPUB with their payloads; everything else passes as it came.

import type { Filter } from './tcp-proxy.ts';

const CRLF = Buffer.from('\r\n');
/** `$JS.ACK.<stream>.<consumer>.<times delivered>.…`; with a domain and an account two parts more before the stream. */
const ACK_SUBJECT = /^\$JS\.ACK\.(?:[^.]+\.[^.]+\.)?[^.]+\.[^.]+\.(\d+)\.\d+\.\d+\.\d+\.\d+/;

export interface LostAck {
  /** The subject it was sent to. */
  readonly subject: string;
}

/**
 * A filter for a TCP proxy before nats-server: the `+ACK` of a message that is delivered for the first time is lost, the first
 * `lostMax` of them. What was lost is added to `lost`.
 */
export function losingAcks(lost: LostAck[], lostMax: number): Filter {
  return () => {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      const passed: Buffer[] = [];
      for (;;) {
        const size = sizeOfFirst(rest);
        if (size === undefined) return Buffer.concat(passed);
        const message = rest.subarray(0, size);
        rest = rest.subarray(size);
        const subject = firstAckOf(message);
        if (subject !== undefined && lost.length < lostMax) lost.push({ subject });
        else passed.push(message);
      }
    };
  };
}

/** Bytes of the first whole message: its line, and the payload that the line announces. */
function sizeOfFirst(bytes: Buffer): number | undefined {
  const lineEnd = bytes.indexOf(CRLF);
  if (lineEnd < 0) return undefined;
  const words = bytes.toString('latin1', 0, lineEnd).split(/\s+/);
  const hasPayload = /^H?PUB$/i.test(words[0] ?? '');
  const payload = hasPayload ? Number(words.at(-1)) + CRLF.length : 0;
  const size = lineEnd + CRLF.length + payload;
  return bytes.length < size ? undefined : size;
}

/** The subject, if the message acknowledges what was delivered for the first time. */
function firstAckOf(message: Buffer): string | undefined {
  const lineEnd = message.indexOf(CRLF);
  const [verb = '', subject = ''] = message.toString('latin1', 0, lineEnd).split(/\s+/);
  const isFirst = ACK_SUBJECT.exec(subject)?.[1] === '1';
  const payload = message.toString('latin1', lineEnd + CRLF.length);
  return verb === 'PUB' && isFirst && payload === '+ACK\r\n' ? subject : undefined;
}
