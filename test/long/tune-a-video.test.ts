// Goal: Tune-A-Video is a row beside the other methods by one command, and is tuned once. Method: the real Python tunes the shipped models in a few
// steps, which is too few to draw well; its render is compared with one of the set that Python writes by itself. Needs a Python with
// models/requirements.txt: $BIVDIFF_PYTHON, else python3.

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../support/cli-process.ts';
import { needPython, python, PYTHON } from '../support/exporter.ts';

const root = join(import.meta.dirname, '../..');
const PROMPT = 'a green star';
const TEXT = 'a red star moving right';

interface Compared {
  readonly means: readonly { readonly label: string; readonly measured: object }[];
  readonly clips: readonly {
    readonly label: string;
    readonly job: string;
    readonly measured?: Readonly<Record<string, unknown>>;
  }[];
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-tuned-'));
  await needPython();
  await cp(join(root, 'examples/source.mp4'), join(folder, 'clip.mp4'));
  await writeFile(join(folder, 'clip.txt'), `${TEXT}\n`);
  const spec = ['apiVersion: bivdiff/v1', 'task: controlnet', 'input: { path: clip.mp4 }'];
  spec.push(`prompt: ${PROMPT}`, 'frames: 3', 'steps: 4');
  await writeFile(join(folder, 'spec.yaml'), spec.join('\n'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const inStore = (): readonly string[] => ['--store', join(folder, 'store')];

/** What it prints, if that is JSON. */
async function bivdiff(...words: readonly string[]): Promise<unknown> {
  const run = await endOfCli(startCli(words));
  expect(run.code, run.stderr).toBe(0);
  return words.includes('--json') ? JSON.parse(run.stdout) : undefined;
}

function start(...flags: readonly string[]) {
  const words = ['compare', '--baselines', join(folder, 'spec.yaml'), '--python', PYTHON];
  return startCli([...words, ...inStore(), ...flags], { XDG_CACHE_HOME: join(folder, 'cache') });
}

const kept = (): Promise<readonly string[]> =>
  readdir(join(folder, 'cache/bivdiff/tuned')).catch(() => []);

describe('Tune-A-Video among the baselines', () => {
  it('leaves nothing where it is stopped while it tunes', async () => {
    const child = start('--tune-steps', '100000');
    const end = endOfCli(child);
    const isUnderWay = new Promise<void>((resolve) => {
      let heard = '';
      child.stderr!.on('data', (chunk: Buffer) => {
        if ((heard += chunk.toString()).includes('step 50 of')) resolve();
      });
    });
    await Promise.race([end, isUnderWay]);
    expect(await kept()).toEqual([expect.stringMatching(/^making-/)]);
    child.kill('SIGINT');
    const run = await end;
    expect(run.code, run.stderr).toBe(130);
    expect(await kept()).toEqual([]);
  });

  it('is rendered by a model that was tuned on the clip, once', async () => {
    const page = join(folder, 'page.html');
    const flags = ['--tune-steps', '3', '--json', '--html', page];
    const first = await endOfCli(start(...flags));
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toContain(`Tune-A-Video, tuned on the source as “${TEXT}”`);
    const { means, clips } = JSON.parse(first.stdout) as Compared;
    expect(means).toHaveLength(8);
    expect(means[3]).toMatchObject({ label: 'Tune-A-Video' });
    expect(Object.keys(means[3]!.measured)).toEqual(['flicker', 'edgeF1', 'drift']);
    const tuned = clips.find(({ label }) => label === 'spec: Tune-A-Video')!;
    expect(await readFile(page, 'utf8')).toMatch(/models: tuned-on-clip\nvideoModel: tune-a-video/);

    const again = await endOfCli(start(...flags));
    expect(again.stdout).toBe(first.stdout);
    expect(again.stderr).not.toContain('tuned on the source');
    const [key, ...others] = await kept();
    expect(others).toEqual([]);
    expect(await readdir(join(folder, 'cache/bivdiff/tuned', key!))).toEqual(['tuned-on-clip']);

    // By itself, on the frames that are rendered: the same job, and so the same bytes.
    const [set, lossless] = [join(folder, 'by-itself'), join(folder, 'lossless.mkv')];
    await bivdiff(
      'roundtrip',
      join(folder, 'clip.mp4'),
      lossless,
      '--frames',
      '3',
      '--stride',
      '4',
    );
    await python(
      ...['-m', 'export.tune_a_video', '--clip', lossless, '--prompt', TEXT, '--stride', '1'],
      ...['--frames', '3', '--steps', '3', '--name', 'tune-a-video', '--out', set],
    );
    const output = join(folder, 'by-itself.mkv');
    const render = async (path: string): Promise<unknown> => {
      const words = ['--task', 'frames', '--input', join(folder, 'clip.mp4'), '--prompt', PROMPT];
      words.push('--frames', '3', '--steps', '4', '--models', set, '--video-model', 'tune-a-video');
      return bivdiff('render', '--json', ...words, ...inStore(), '--output', path);
    };
    expect(await render(join(folder, 'by-itself.mp4'))).toMatchObject({ job: tuned.job });

    // A file beside a job is asked to keep to the job's control, as the row was.
    await render(output);
    const [alone] = clips.filter(({ measured }) => measured !== undefined);
    const beside = await bivdiff('compare', '--json', alone!.job, `tuned=${output}`, ...inStore());
    const { edgeF1, flicker } = (beside as Compared).clips.at(-1)!.measured!;
    expect(tuned.measured).toMatchObject({ edgeF1, flicker });
  });
});
