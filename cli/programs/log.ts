// Logs of the long-running programs: one JSON object a line. The message is a fixed phrase; everything that varies is a field.

import { pino } from 'pino';
import type { Logger } from 'pino';

import type { MalformedMessages } from '../../common/bus/nats/index.ts';
import type { TextSink } from '../terminal.ts';

export type Log = Pick<Logger, 'info' | 'warn'>;

/** Each line is handed to the sink before the call returns, so none is lost when the program ends. */
export function createLog(sink: TextSink, component: string): Log {
  const options = {
    base: { component },
    messageKey: 'message',
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
  };
  return pino(options, { write: (line) => void sink.write(line) });
}

/** For a bus: what came over NATS and fits no schema. */
export function malformedLogged(log: Log): (messages: MalformedMessages) => void {
  return (messages) => {
    log.warn({ ...messages }, 'malformed messages dropped');
  };
}
