import { expect, it } from 'vitest';

import { terminalSize } from '../../../cli/process-environment.ts';

it.each([
  [
    { isTTY: true, columns: 132, rows: 50 },
    { columns: 132, rows: 50 },
  ],
  [
    { isTTY: true, columns: 0, rows: 0 },
    { columns: 80, rows: 24 },
  ],
  [
    { isTTY: false, columns: 132, rows: 50 },
    { columns: 80, rows: 24 },
  ],
])('the size of %j is %j', (stream, size) => {
  expect(terminalSize(stream)).toEqual(size);
});
