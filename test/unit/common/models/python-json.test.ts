import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { createSampler } from '../../../../common/diffusion/create-sampler.ts';
import { parsePythonJson } from '../../../../common/models/python-json.ts';

describe("Python's JSON", () => {
  it.each([
    ['{"a": -Infinity, "b": [Infinity,NaN]}', { a: '-Infinity', b: ['Infinity', 'NaN'] }],
    ['{"NaN": "say \\"NaN\\"", "-Infinity": 1}', { NaN: 'say "NaN"', '-Infinity': 1 }],
    ['{"a": -1e3, "b": null, "c": ""}', { a: -1000, b: null, c: '' }],
    ['{"path": "C:\\\\", "b": NaN}', { path: 'C:\\', b: 'NaN' }],
    ['\uFEFF{"a": "\uFEFF", "b": Infinity}', { a: '\uFEFF', b: 'Infinity' }],
  ])('is read: %s', (text, value) => {
    expect(parsePythonJson(text)).toEqual(value);
  });

  it.each(['', '{"a": }', '{"a": -inf}', '{"a": "NaN}'])(
    'is refused where it is no JSON: %s',
    (text) => {
      expect(() => parsePythonJson(text)).toThrow(SyntaxError);
    },
  );

  it('of a scheduler that clips nothing serves its sampler', () => {
    const file = new URL(
      '../../../support/models/scheduler_config-minus-infinity.json',
      import.meta.url,
    );
    const config = parsePythonJson(readFileSync(file, 'utf8'));
    // Leading: (1000 // 5) k + 1.
    const { timesteps } = createSampler('dpm-solver++', config, { steps: 4 });
    expect(timesteps).toEqual([801, 601, 401, 201]);
  });
});
