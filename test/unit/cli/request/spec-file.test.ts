// Spec files, and flags that go before them: from what a user wrote to a request, or to all that is wrong with it.

import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { requestFromFile } from '../../../../cli/request/render-request.ts';
import type { RenderRequest } from '../../../../cli/request/render-request.ts';
import { layerOfFlags } from '../../../../cli/request/run-options.ts';
import type { TypedFlags } from '../../../../cli/flags/render-flags.ts';

describe('a spec file', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-spec-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const read = async (text: string | Buffer, flags: TypedFlags = {}): Promise<RenderRequest> => {
    const path = join(folder, 'spec.yaml');
    await writeFile(path, text);
    return requestFromFile(path, layerOfFlags(flags, { folder: '/here' }), { needsOutput: true });
  };
  const failure = async (text: string | Buffer): Promise<BivdiffError> => {
    const reason: unknown = await read(text).then(
      () => undefined,
      (error: unknown) => error,
    );
    return BivdiffError.from(reason);
  };

  const YAML = `
apiVersion: bivdiff/v1
task: controlnet
input: { path: clip.mp4, stride: 2 }
prompt: a red square
steps: 10
output: { file: out.webm, framesPerSecond: 12, comparison: true }
`;

  it('has paths relative to itself, and names the comparison after the output', async () => {
    const { spec, files } = await read(YAML);
    expect(spec.input).toEqual({ path: join(folder, 'clip.mp4'), start: 0, stride: 2 });
    expect(spec.output).toMatchObject({ format: 'webm', framesPerSecond: 12 });
    expect(files).toEqual({
      output: join(folder, 'out.webm'),
      comparison: join(folder, 'out.comparison.webm'),
    });
  });

  it('has paths relative to the working folder where it is piped in', async () => {
    await writeFile(join(folder, 'piped.yaml'), YAML);
    await using file = await open(join(folder, 'piped.yaml'));
    const flags = layerOfFlags({}, { folder: '/here' });
    const { spec } = await requestFromFile(`/dev/fd/${file.fd}`, flags, { needsOutput: true });
    expect(spec.input.path).toBe(resolve('clip.mp4'));
  });

  it('gives way to flags, field by field', async () => {
    const { spec, files } = await read(YAML, { steps: '3', start: '5', output: 'mine.mp4' });
    expect(spec.steps).toBe(3);
    expect(spec.input).toMatchObject({ start: 5, stride: 2 });
    expect(spec.output).toMatchObject({ format: 'mp4', framesPerSecond: 12 });
    expect(files.output).toBe('/here/mine.mp4');
  });

  it('may be JSON, and may use the names of flags', async () => {
    const { spec } = await read(
      JSON.stringify({
        apiVersion: 'bivdiff/v1',
        task: 'controlnet',
        input: 'clip.mp4',
        stride: 3,
        control: 'canny',
        'control-scale': 0.5,
        prompt: 'x',
        output: 'out.mp4',
      }),
    );
    expect(spec.input).toMatchObject({ path: join(folder, 'clip.mp4'), stride: 3 });
    expect(spec).toMatchObject({ control: { type: 'canny', scale: 0.5 } });
  });

  it('is told of unknown fields with the one that was meant', async () => {
    const { details } = await failure(`${YAML}promt: x\nnegativePromt: y\n`);
    expect(details['problems']).toEqual([
      'promt: no such field; did you mean prompt?',
      'negativePromt: no such field; did you mean negativePrompt?',
    ]);
    const nested = await failure(YAML.replace('stride', 'strid'));
    expect(nested.details['problems']).toEqual([
      'input.strid: no such field; did you mean stride?',
    ]);
  });

  it.each([
    ['steps: few', 'steps: expected a number, got "few"'],
    ['steps: 1.5', 'steps: expected a whole number, got 1.5'],
    ['mixing-ratio: 2', 'mixing-ratio: expected 0 to 1, got 2'],
    ['frames: [8]', 'frames: expected a number, got [8]'],
    ['frames: 10/24', 'frames: expected a number, A-B or A-B/N, got "10/24"'],
    [
      'seeds: [{ frames: 2-3, seed: 9007199254740992 }]',
      'seeds.0.seed: too big: expected at most 9007199254740991, got 9007199254740992',
    ],
    ['seeds: ["2-3=9007199254740992"]', 'seeds.0.seed: expected a seed, 0 to 9007199254740991'],
    [
      'inversion: { mode: ddum }',
      'inversion.mode: expected one of ddim, official, got "ddum"; did you mean ddim?',
    ],
    [
      'size: { width: 64 }',
      'size: expected WIDTHxHEIGHT, each 8 to 8192, such as 512x512, got {"width":64}',
    ],
    [
      'size: { width: 4, height: 9000 }',
      'size: expected WIDTHxHEIGHT, each 8 to 8192, such as 512x512, got {"width":4,"height":9000}',
    ],
    ['size: 4x64', 'size: expected WIDTHxHEIGHT, each 8 to 8192, such as 512x512, got "4x64"'],
    ['seed: 9007199254740993', 'seed: expected 0 to 9007199254740991, got a larger number'],
    ['videoPrompt: 3', 'videoPrompt: expected text, got 3'],
    [
      'contact-sheet: sheet.jpg',
      expect.stringMatching(/^contact-sheet: .* does not end in \.png$/),
    ],
  ])('is named with the key of a bad value, and the value: %s', async (line, problem) => {
    const [key = ''] = line.split(':');
    const error = await failure(`${YAML.replace(new RegExp(`^${key}:.*\n`, 'm'), '')}${line}\n`);
    expect(error.details['problems']).toEqual([problem]);
    expect(error.message).toContain(`${join(folder, 'spec.yaml')}: ${key}`);
  });

  it('names the flag of what a flag gave, and the key of what the file gave', async () => {
    const settings = layerOfFlags({ steps: '0', output: 'x.avi' }, { folder: '/here' });
    const path = join(folder, 'spec.yaml');
    await writeFile(path, `${YAML.replace('steps: 10', 'steps: 11')}window: 0\n`);
    const read = requestFromFile(path, settings, { needsOutput: false, command: 'plan' });
    await expect(read).rejects.toMatchObject({
      message: expect.stringContaining(`${path}: --output: no format`) as string,
      hint: 'bivdiff plan --help lists the settings with their ranges.',
      details: {
        problems: [
          expect.stringMatching(/^--output: no format is known for \/here\/x\.avi/),
          '--steps: expected 1 to 1000, got 0',
          'window: expected 1 to 1024, got 0',
        ],
      },
    });
  });

  it('must have the version of its format', async () => {
    const { details } = await failure(YAML.replace('bivdiff/v1', 'bivdiff/v9'));
    expect(details['problems']).toEqual(['apiVersion: expected "bivdiff/v1", got "bivdiff/v9"']);
    const without = await failure(YAML.replace('apiVersion: bivdiff/v1', ''));
    expect(without.details['problems']).toEqual([
      'apiVersion is missing: a spec says apiVersion: bivdiff/v1',
    ]);
  });

  it.each([
    ['[1, 2', 'is neither YAML nor JSON'],
    ['just text', 'holds no spec'],
    ['', 'holds no spec'],
  ])('is refused when it is %j', async (text, message) => {
    const error = await failure(text);
    expect(error.code).toBe('invalid-argument');
    expect(error.message).toContain(message);
  });

  it.each([
    ['YAML', `${YAML}negativePrompt: "caf\xe9"\n`, 'line 8, byte 21'],
    ['JSON', '{\n  "prompt": "caf\xe9"\n}\n', 'line 2, byte 17'],
  ])('in %s is refused where it is no UTF-8, by line and byte', async (_, text, place) => {
    const error = await failure(Buffer.from(text, 'latin1'));
    expect(error.code).toBe('invalid-argument');
    expect(error.message).toBe(`${join(folder, 'spec.yaml')} is not UTF-8 text: ${place} (0xE9)`);
  });

  it('may begin with a byte order mark', async () => {
    expect((await read(`\uFEFF${YAML}`)).spec.steps).toBe(10);
  });

  it('is refused when it is a folder', async () => {
    const flags = layerOfFlags({}, { folder: '/here' });
    await expect(requestFromFile(folder, flags, { needsOutput: true })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `${folder} is a folder, and a file shall be read`,
    });
  });

  it('is not found when it is not there', async () => {
    const flags = layerOfFlags({}, { folder: '/here' });
    await expect(
      requestFromFile(join(folder, 'none.yaml'), flags, { needsOutput: true }),
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});
