// Are the lines of the programs' logs what readers of logs are promised: one JSON object each, there at once?

import { expect, test } from 'vitest';
import { createLog } from '../../../../cli/programs/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  write(createLog({ write: (line) => (text += line) }, 'worker'));
  return text;
}

test('writes one object a line, before the call returns', () => {
  const text = logged((log) => {
    log.info({ worker: 'w1', pid: 7 }, 'worker begins');
    log.warn({ failure: { code: 'unavailable', message: 'away\nagain' } }, 'trouble');
  });
  const lines = text.split('\n');
  expect(lines).toHaveLength(3);
  expect(lines.pop()).toBe('');
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
  const component = 'worker';
  const failure = { code: 'unavailable', message: 'away\nagain' };
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { at, level: 'info', component, message: 'worker begins', worker: 'w1', pid: 7 },
    { at, level: 'warn', component, message: 'trouble', failure },
  ]);
});

test('leaves out what is undefined, and lives with what JSON cannot hold', () => {
  const ring: Record<string, unknown> = { size: 1n };
  ring['self'] = ring;
  const text = logged((log) => {
    log.info({ serves: undefined, ring }, 'worker begins');
  });
  expect(JSON.parse(text)).toMatchObject({ ring: { size: 1, self: '[Circular]' } });
  expect(text).not.toContain('serves');
});
