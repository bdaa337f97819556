// Goal: what `submit` says of renders that a farm refuses, and that a batch goes in whole or not at all. Method: the command as typed, in
// this process, over gRPC to the real services; acceptance with the tiny models and a clip of 64 frames; nobody works.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runCommandLine } from '../../../../cli/program.ts';
import { cutPrompts } from '../../../../cli/request/cut-prompts.ts';
import { digestFile } from '../../../../common/digest.ts';
import { BivdiffError } from '../../../../common/errors.ts';
import { openModelSet } from '../../../../common/models/model-folder.ts';
import { ArtifactServiceService } from '../../../../common/gen/bivdiff/v1/artifact_service.ts';
import { RenderServiceService } from '../../../../common/gen/bivdiff/v1/render_service.ts';
import type { RenderServiceServer } from '../../../../common/gen/bivdiff/v1/render_service.ts';
import { acceptSpec, draftProblems } from '../../../../coordinator/domain/accept.ts';
import { unnamedSource } from '../../../../coordinator/domain/check-sources.ts';
import type { SourceFacts } from '../../../../coordinator/domain/check-sources.ts';
import type { RenderSpec } from '../../../../recipes/spec/schema.ts';
import { createArtifactService } from '../../../../coordinator/rpc/artifact-service.ts';
import { createRenderService } from '../../../../coordinator/rpc/render-service.ts';
import { CoordinatorHarness } from '../../../support/farm/coordinator-harness.ts';
import { acceptedJob } from '../../../support/jobs.ts';
import { TINY_SET } from '../../../support/models/paths.ts';
import { createSampleEnvironment } from '../../../unit/cli/sample-environment.ts';

const { numerics } = acceptedJob({});
const EXAMPLE = join(import.meta.dirname, '../../../../examples/source.mp4');
const OTHER_SIZE = join(import.meta.dirname, '../../../support/media/cases/shapes/62x46.mp4');
/** What is said to be seen of it, once it was uploaded. */
const CLIP = { width: 64, height: 32, alpha: false };

describe('submit', () => {
  let folder = '';
  let address = '';
  let farm: CoordinatorHarness;
  let service: RenderServiceServer;
  const servers: Server[] = [];
  let asked: number;
  /** From which acceptance on the farm has gone away. */
  let goneFrom: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bivdiff-submit-'));
    await copyFile(EXAMPLE, join(folder, 'clip.mp4'));
    farm = new CoordinatorHarness();
    const { coordinator, workers, store } = farm;
    [asked, goneFrom] = [0, Infinity];
    const checkedSpec = async (spec: RenderSpec, facts: SourceFacts, sources = {}) =>
      acceptSpec({ spec, models: await openModelSet(TINY_SET), source: facts, sources, numerics });
    service = createRenderService({
      ...{ coordinator, workers, store, pid: 1, drain: () => undefined },
      warningsOf: async (_, job) => cutPrompts(job, await openModelSet(TINY_SET)),
      accept: async (spec, source) => {
        asked += 1;
        if (asked >= goneFrom) throw new BivdiffError('aborted', 'another coordinator took over');
        return checkedSpec(spec, { ...source, path: spec.input.path, frames: 64, ...CLIP });
      },
      check: (spec, source, sources) => {
        const others = Object.entries(sources).map(([name, one]) => [name, unnamedSource(one)]);
        return checkedSpec(spec, unnamedSource(source), Object.fromEntries(others) as object);
      },
      checkDraft: async (draft) =>
        draftProblems({ ...draft, models: await openModelSet(TINY_SET) }),
    });
    await serve(RenderServiceService);
  });

  /** On an address of its own, as a coordinator that knows these calls. */
  async function serve(calls: Partial<typeof RenderServiceService>): Promise<void> {
    const server = new Server();
    servers.push(server);
    server.addService(calls, service);
    server.addService(ArtifactServiceService, createArtifactService(farm.store));
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    address = `127.0.0.1:${port}`;
  }
  afterEach(async () => {
    for (const server of servers.splice(0)) server.forceShutdown();
    await farm.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(...words: string[]) {
    const environment = createSampleEnvironment({ folder, server: address });
    const code = await runCommandLine(words, environment);
    return { code, ...environment.written };
  }

  const ONE = ['submit', '--task', 'controlnet', '--prompt', 'x', '--input', 'clip.mp4'];

  it.each([
    [['--size', '100x100'], '--size: 100x100 does not fit'],
    [['--steps', '1000'], '--steps: 1000 do not fit'],
    [['--video-model', 'nosuch'], '--video-model: no video model nosuch'],
    [['--frames', '99'], '--frames: '],
    [['--output', 'x.gif', '--size', '8192x8192'], '--output: 8 frames are too many: '],
    [['--format', 'gif', '--size', '8192x8192'], '--format: 8 frames are too many: '],
    [['--frames', '1', '--start', '500'], '--start: '],
    [['--fps', '0.005'], '--fps: 0.005 cannot be written'],
    [
      ['--comparison', 'c.mp4', '--size', '8192x2048'],
      '--comparison: 3 pictures side by side are ',
    ],
    [['--priority', 'high'], '--priority: expected a whole number, 0 to 100, got "high"'],
  ])('%j is refused by the name of the flag', async (flags, message) => {
    const { code, stderr } = await run(...ONE, ...flags);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${message}`);
  });

  const isUploaded = async (path: string): Promise<boolean> =>
    farm.store.hasArtifact(await digestFile(path));

  it('is refused before anything is uploaded', async () => {
    const clip = join(folder, 'clip.mp4');
    expect((await run(...ONE, '--size', '100x100')).code).toBe(2);
    expect(await isUploaded(clip)).toBe(false);
    const { code, stderr } = await run(...ONE);
    expect(code, stderr).toBe(0);
    expect(await isUploaded(clip)).toBe(true);
  });

  it.each([
    [
      ['--frames', '0', '--size', '100x100'],
      ['--frames: expected', '--size: 100x100 does not'],
    ],
    [
      ['--video-model', 'nosuch', '--fps', 'x'],
      ['--fps: expected', '--video-model: no video'],
    ],
    [
      ['--control-input', 'none.mp4', '--size', '99x9'],
      ['--control-input: ', '--size: 99x9'],
    ],
    [
      ['--steps', 'x', '--frames', '99'],
      ['--steps: expected', '--frames: '],
    ],
    [
      ['--frames', '0', '--steps', '1000', '--seed-at', '9=1'],
      ['--frames: ', '--steps: 1000 do'],
    ],
  ])('%j is told of together, as far as the farm knows it too', async (flags, starts) => {
    const { code, stdout } = await run(...ONE, ...flags, '--json');
    const { error } = JSON.parse(stdout) as { error: { details: { problems: string[] } } };
    expect(code).toBe(2);
    expect(error.details.problems).toEqual(
      starts.map((start): unknown => expect.stringMatching(new RegExp(`^${start}`))),
    );
    expect(await isUploaded(join(folder, 'clip.mp4'))).toBe(false);
  });

  it('is told of at once line by line, and no line is uploaded', async () => {
    const path = await batch({ seed: 1 }, { steps: 0, size: '100x100' }, { input: 'none.mp4' });
    const { code, stderr } = await run('submit', '--batch', path);
    expect(code).toBe(2);
    const lines = stderr.split('\n').filter((text) => text.startsWith('  - '));
    expect(lines).toEqual([
      '  - line 2: steps: expected 1 to 1000, got 0',
      expect.stringMatching(/^ {2}- line 2: size: 100x100 does not fit/),
      expect.stringMatching(/^ {2}- line 3: input: .*none\.mp4: no such file/),
    ]);
    expect(await isUploaded(join(folder, 'clip.mp4'))).toBe(false);
  });

  it('is refused for a source beside the first one before anything is uploaded', async () => {
    const pictures = join(folder, 'edges.mp4');
    await copyFile(OTHER_SIZE, pictures);
    const { code, stderr } = await run(...ONE, '--control-input', pictures);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--control-input: .*edges\.mp4 is \d+x\d+, and .*clip\.mp4 \d+x\d+/);
    expect(await isUploaded(join(folder, 'clip.mp4'))).toBe(false);
    expect(await isUploaded(pictures)).toBe(false);
  });

  it('uploads nothing of the lines of a batch that are refused', async () => {
    const other = join(folder, 'other.mp4');
    await copyFile(OTHER_SIZE, other);
    const path = await batch({ seed: 1 }, { input: 'other.mp4', size: '100x100' });
    expect((await run('submit', '--batch', path)).code).toBe(2);
    expect(await isUploaded(other)).toBe(false);
  });

  it('goes to a coordinator that cannot tell before, and is refused there', async () => {
    const { checkSpec, ...older } = RenderServiceService;
    expect(checkSpec).toBeDefined();
    await serve(older);
    const { code, stderr } = await run(...ONE, '--size', '100x100');
    expect(code).toBe(2);
    expect(stderr).toContain('error: --size: 100x100 does not fit');
    expect(await isUploaded(join(folder, 'clip.mp4'))).toBe(true);
    expect((await run(...ONE)).code).toBe(0);
  });

  const LONG = 'a '.repeat(75);

  it('tells which words of a prompt the models of the farm cut off, by the flag', async () => {
    const prompts = ['--prompt', `${LONG}red square`, '--video-prompt', `${LONG}blue circle`];
    const { code, stderr } = await run(...ONE, ...prompts);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^warning: --prompt: the models read 75 tokens .*: red square$/m);
    expect(stderr).toMatch(/^warning: --video-prompt: .* Cut off: blue circle$/m);
    expect((await run(...ONE, '--prompt', LONG)).stderr).not.toContain('warning');
  });

  it('tells it by the line of a batch', async () => {
    const path = await batch({ seed: 1 }, { prompt: `${LONG}red square` });
    const { code, stderr } = await run('submit', '--batch', path);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^warning: line 2: prompt: .* Cut off: red square$/m);
    expect(stderr.match(/warning/g)).toHaveLength(1);
  });

  const LINE = { task: 'controlnet', prompt: 'x', input: 'clip.mp4' };
  const batch = async (...lines: object[]): Promise<string> => {
    const path = join(folder, 'jobs.jsonl');
    await writeFile(path, lines.map((line) => JSON.stringify({ ...LINE, ...line })).join('\n'));
    return path;
  };

  it('submits every line of a batch, and needs no output of it', async () => {
    const path = await batch({ seed: 1 }, { seed: 2 });
    const { code, stdout, stderr } = await run('submit', '--batch', path, '--json');
    expect(code, stderr).toBe(0);
    const { jobs } = JSON.parse(stdout) as { jobs: { job: string }[] };
    expect(farm.coordinator.list().map(({ jobId }) => jobId)).toEqual(
      jobs.map(({ job }) => job).reverse(),
    );
  });

  it('submits no line of a batch of which the farm refuses some, and tells all of those', async () => {
    const path = await batch(
      { seed: 1 },
      { size: '100x100' },
      { input: 'none.mp4' },
      { seed: 4 },
      { frames: 99 },
    );
    const { code, stdout, stderr } = await run('submit', '--batch', path);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`error: ${path}: nothing was run:`);
    expect(stderr).toMatch(/- line 2: .*size: 100x100 does not fit/);
    expect(stderr).toMatch(/- line 3: .*none\.mp4: .*no such file/);
    expect(stderr).toMatch(/- line 5: .*frames: /);
    expect(stderr).not.toMatch(/line [14]:/);
    expect(farm.coordinator.list()).toEqual([]);
  });

  it('tells once what the farm refuses of a flag, and by the line what it refuses of that', async () => {
    const path = await batch({ seed: 1 }, { seed: 2 }, { input: 'none.mp4' });
    const { code, stderr } = await run('submit', '--batch', path, '--video-model', 'other');
    expect(code).toBe(2);
    expect(stderr.match(/^.*--video-model.*$/gm)).toEqual([
      expect.stringContaining('- the flags: --video-model: no video model other') as string,
    ]);
    expect(stderr).toContain('line 3: input: ');
  });

  it('tells which lines of a batch are on the farm, when it goes away in the middle', async () => {
    const path = await batch({ seed: 1 }, { seed: 2 }, { seed: 3 });
    // Three are checked, and the first is submitted.
    goneFrom = 5;
    const { code, stdout, stderr } = await run('submit', '--batch', path);
    expect(code).toBe(1);
    expect(stderr).toContain('error: line 2: another coordinator took over; 1 job was submitted');
    expect(stderr).toContain('hint: The same command submits the rest');
    const [view] = farm.coordinator.list();
    expect(stdout).toContain(view!.jobId.slice(0, 12));
    expect(farm.coordinator.list()).toHaveLength(1);
  });

  it('takes no spec file beside a batch', async () => {
    const path = await batch({ seed: 1 });
    const { code, stderr } = await run(
      'submit',
      'spec.yaml',
      '--contact-sheet',
      'x.png',
      '--batch',
      path,
    );
    expect(code).toBe(2);
    expect(stderr).toContain('spec.yaml, --contact-sheet cannot go with --batch');
  });
});
