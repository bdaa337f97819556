// Logs of the long-running programs: one JSON object a line. The message is a fixed phrase; everything that varies is a field.

import type { TextSink } from '../terminal.ts';

export type Log = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export function createLog(sink: TextSink, component: string): Log {
  return (level, message, fields = {}) => {
    const at = new Date().toISOString();
    sink.write(`${JSON.stringify({ at, level, component, message, ...fields })}\n`);
  };
}
