import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { draftBatch, wholeBatch } from '../../../../cli/request/batch-file.ts';
import type { RenderRequest } from '../../../../cli/request/render-request.ts';
import { layerOfFlags } from '../../../../cli/request/run-options.ts';
import type { TypedFlags } from '../../../../cli/flags/render-flags.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-batch-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function read(
  name: string,
  text: string | Buffer,
  flags: TypedFlags = {},
): Promise<RenderRequest[]> {
  const path = join(folder, name);
  await writeFile(path, text);
  const batch = await draftBatch(path, layerOfFlags(flags, { folder: '/here' }), {
    needsOutput: true,
  });
  return wholeBatch(path, batch);
}

const FLAGS: TypedFlags = { task: 'controlnet', prompt: 'a red square', steps: '10' };

describe('a JSONL batch', () => {
  it('takes flags as defaults, lines going before them, paths relative to the file', async () => {
    const text = [
      '{"input": "a.mp4", "output": "a-out.mp4"}',
      '',
      '# a remark',
      '{"input": {"path": "/b.mp4", "stride": 2}, "steps": 3, "mixing-ratio": 0.5, "output": {"file": "b.webm"}}',
    ].join('\n');
    const [first, second] = await read('jobs.jsonl', text, FLAGS);
    expect(first?.spec).toMatchObject({ input: { path: join(folder, 'a.mp4') }, steps: 10 });
    expect(first?.files.output).toBe(join(folder, 'a-out.mp4'));
    expect(second?.spec).toMatchObject({
      input: { path: '/b.mp4', stride: 2 },
      steps: 3,
      mixingRatio: 0.5,
      output: { format: 'webm' },
    });
    expect(second?.origin).toBe(`${join(folder, 'jobs.jsonl')} line 4`);
  });

  it('reports the problems of all lines at once', async () => {
    const text = ['{"input": "a.mp4"}', '{nonsense', '[1]', '{"steps": 0, "output": "x.mp4"}'].join(
      '\n',
    );
    await expect(read('bad.jsonl', text, FLAGS)).rejects.toMatchObject({
      code: 'invalid-argument',
      details: {
        problems: [
          'line 1: output is missing: where the video goes',
          expect.stringMatching(/^line 2: not JSON: /),
          'line 3: expected a JSON object',
          expect.stringMatching(/^line 4: input\.path is missing/),
          'line 4: steps: expected 1 to 1000, got 0',
        ],
      },
    });
  });

  it('is told not to be there', async () => {
    const path = join(folder, 'none.jsonl');
    const batch = await draftBatch(path, layerOfFlags({}, { folder }), { needsOutput: false });
    const reading = Promise.resolve().then(() => wholeBatch(path, batch));
    await expect(reading).rejects.toMatchObject({
      code: 'not-found',
      message: `reading the batch ${path}: there is no such file`,
      hint: expect.stringContaining('the folder where the command runs') as string,
    });
  });

  it('refuses two lines that write one file', async () => {
    const line = '{"input": "a.mp4", "output": "same.mp4"}';
    await expect(read('twice.jsonl', `${line}\n${line}\n`, FLAGS)).rejects.toMatchObject({
      details: { problems: [expect.stringContaining('same.mp4')] },
    });
  });

  it('is refused where it is no UTF-8, by line and byte', async () => {
    const text = Buffer.from('{"input": "a.mp4"}\n{"prompt": "caf\xe9"}\n', 'latin1');
    await expect(read('latin-1.jsonl', text, FLAGS)).rejects.toThrow(
      'latin-1.jsonl is not UTF-8 text: line 2, byte 16 (0xE9)',
    );
  });

  it('refuses a file without renders', async () => {
    await expect(read('empty.jsonl', '\n\n', FLAGS)).rejects.toThrow('holds no renders');
  });
});

describe('a CSV batch', () => {
  it('has flag names as headers; empty cells leave the default', async () => {
    const text =
      'input,prompt,--mixing-ratio,output\na.mp4,"a star, red",0.25,a-out.gif\nb.mp4,,,b-out.mp4\n';
    const [first, second] = await read('jobs.csv', text, FLAGS);
    expect(first?.spec).toMatchObject({ prompt: 'a star, red', mixingRatio: 0.25 });
    expect(first?.spec.output.format).toBe('gif');
    expect(second?.spec.prompt).toBe('a red square');
    expect(second?.spec.mixingRatio).toBeUndefined();
  });

  it('names unknown headers with the flag that was meant', async () => {
    await expect(read('bad.csv', 'inptu,output\na.mp4,b.mp4\n', FLAGS)).rejects.toMatchObject({
      details: { problems: ['line 1: no flag is called "inptu"; did you mean input?'] },
    });
  });

  it.each([
    ['\n', 'as Unix ends lines'],
    ['\r\n', 'as Windows ends lines'],
    ['\r', 'as old Macs end lines'],
  ])('counts lines as an editor does, also in quotes: %j', async (newline) => {
    const text = [
      'input,prompt,output',
      'a.mp4,"one',
      'two",a.avi',
      '',
      'b.mp4,"a ""b""',
      '',
      'c",b-out.mp4',
      'c.mp4,é,c.avi',
      'd.mp4,d,d.mp4,e',
    ].join(newline);
    await expect(read('lines.csv', text, FLAGS)).rejects.toMatchObject({
      details: {
        problems: [
          expect.stringMatching(/^line 2: --output: no format/),
          expect.stringMatching(/^line 8: --output: no format/),
          'line 9: 4 cells, and the first line names 3; a cell that has a comma stands in quotes',
        ],
      },
    });
  });

  it.each([
    ['b.mp4,"open,x.mp4\n', 'a cell that begins with a quote (") does not end with one'],
    ['b.mp4,"a" b,x.mp4\n', 'something after the quote (") that ends a cell; a quote'],
    ['b.mp4,a "b",x.mp4\n', 'a quote (") inside a cell; such a cell stands in quotes'],
  ])('names the line that is no CSV, and why: %j', async (line, why) => {
    const text = `input,prompt,output\na.mp4,"one\ntwo",a-out.mp4\n${line}`;
    await expect(read('quotes.csv', text, FLAGS)).rejects.toMatchObject({
      details: { problems: [expect.stringContaining(`line 4: not CSV: ${why}`)] },
    });
  });

  it('refuses a column that is there twice', async () => {
    await expect(read('twice.csv', 'input,prompt,--prompt\na,b,c\n', FLAGS)).rejects.toMatchObject({
      details: { problems: ['line 1: prompt is there twice'] },
    });
  });

  it('is refused where it is no UTF-8, by line and byte', async () => {
    // As the case latin-1.csv: ISO 8859-1.
    const text = Buffer.from('input,prompt,output\nclip.mp4,a red caf\xe9,out.mp4\n', 'latin1');
    const path = join(folder, 'latin-1.csv');
    await expect(read('latin-1.csv', text, FLAGS)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `${path} is not UTF-8 text: line 2, byte 19 (0xE9)`,
    });
  });

  it('names the line of a bad cell', async () => {
    const text = 'input,steps,output\na.mp4,3,a-out.mp4\nb.mp4,few,b-out.mp4\n';
    await expect(read('cell.csv', text, FLAGS)).rejects.toMatchObject({
      details: { problems: ['line 3: --steps: expected a number, got "few"'] },
    });
  });
});
