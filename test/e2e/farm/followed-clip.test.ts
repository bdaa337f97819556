// Goal: what is finished of a clip can be played before the job is done, and in the end there are the job's own bytes. Method: real programs; the
// job is paused in the middle, and what the growing file has is held against the frames that the farm has.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { Digest } from '../../../common/task.ts';
import { createMediaService } from '../../../workers/media/media-service.ts';
import { decodePng } from '../../../workers/media/pixels/png.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import type { FaultFarm } from '../../support/farm/fault-farm.ts';
import { killed } from '../../support/farm/farm-program.ts';
import { isStill } from '../../support/farm/slow-motion.ts';
import { answers, useFarm } from '../../support/farm/use-farm.ts';
import { collect, psnr } from '../../support/media/clips.ts';
import { SOURCE } from '../cli/workplace.ts';
import { casesOf } from '../../support/thorough.ts';

const FRAMES = 16;
const JOB = [
  ...['--task', 'controlnet', '--prompt', 'a green star', '--input', SOURCE, '--stride', '1'],
  ...['--frames', String(FRAMES), '--window', '4', '--steps', '8', '--size', '64x64'],
];
const LIMIT_MS = 180_000;

const farmOf = useFarm();
await using media = createMediaService();

/** Digests of the frames that are finished without a gap. */
async function finishedPrefix(farm: FaultFarm, id: string): Promise<readonly Digest[]> {
  const digests: Digest[] = [];
  for await (const { frames } of farm.client.frames(id)) {
    for (const { frame, artifact } of frames) {
      if (frame === digests.length) digests.push(artifact!.digest as Digest);
    }
  }
  return digests;
}

/** Begins to follow. */
function follow(farm: FaultFarm, id: string, ...flags: readonly string[]) {
  const output = join(farm.folder, 'clip.mp4');
  const words = ['fetch', id, '--follow', '--output', output, '--server', farm.server, ...flags];
  const child = startCli(words);
  return { child, end: endOfCli(child) };
}

async function framesIn(path: string): Promise<number> {
  return media.probe(path).then(
    ({ frames }) => frames,
    () => 0,
  );
}

describe.each(casesOf(['independent', 'blend'], (long) => long === 'blend'))(
  'a clip of windows that are %s',
  (long) => {
    it(
      'grows as frames are finished, and is in the end what fetch gives',
      { timeout: LIMIT_MS },
      async () => {
        const farm = await farmOf.start({ workers: 0 });
        // Stands still in the middle of the job, however fast it is.
        const failAt = { point: 'record-put', of: 'decode', pass: 2, signal: 'SIGSTOP' } as const;
        const worker = farm.startWorker('w1', [], { failAt });
        await farm.seesWorkers(1);
        const growing = join(farm.folder, 'clip.so-far.mp4');
        const id = await farm.submit([...JOB, '--long', long]);
        const first = follow(farm, id);
        await farm.until('the worker stands still', () => isStill(worker.child.pid!));
        await farm.client.pause(id);
        // The task that ran is still committed.
        worker.child.kill('SIGCONT');
        await farm.until('a part is finished', async () => {
          return (await finishedPrefix(farm, id)).length > 4;
        });
        await farm.until('all that is finished can be played', async () => {
          return (await framesIn(growing)) === (await finishedPrefix(farm, id)).length;
        });
        const digests = await finishedPrefix(farm, id);
        expect(digests.length).toBeLessThan(FRAMES);
        const size = { width: 64, height: 64 };
        const indices = digests.map((_, i) => i);
        const decoded = await collect(
          media.decode({ path: growing, indices, size, resize: 'stretch' }),
        );
        for (const [frame, { rgb }] of decoded.entries()) {
          const png = join(farm.folder, `${frame}.png`);
          await farm.client.getArtifactFile(digests[frame]!, png);
          const made = await decodePng(await readFile(png));
          expect(psnr({ rgb, ...size }, made)).toBeGreaterThan(35);
        }

        first.child.kill('SIGINT');
        const stopped = await first.end;
        expect(stopped.code, stopped.stderr).toBe(130);
        expect(stopped.stderr).toMatch(/what is finished can be played: .*clip\.so-far\.mp4/);
        expect(stopped.stderr).toMatch(
          new RegExp(`stopped; the first ${digests.length} of ${FRAMES} frames are in .*so-far`),
        );
        expect(await framesIn(growing)).toBe(digests.length);
        expect(await readdir(farm.folder)).not.toContain('clip.mp4');

        const again = follow(farm, id);
        expect((await again.end).stderr).toMatch(/clip\.so-far\.mp4 exists\nhint: Add --overwrite/);
        const second = follow(farm, id, '--overwrite');
        await farm.until('it is followed again', async () => (await framesIn(growing)) > 0);
        // The coordinator goes and comes back meanwhile.
        await killed(farm.coordinator!.child);
        farm.startCoordinator();
        await answers(farm);
        await farm.client.resume(id);
        const done = await second.end;
        expect(done.code, done.stderr).toBe(0);
        const plain = join(farm.folder, 'plain.mp4');
        const fetched = await endOfCli(
          startCli(['fetch', id, '--output', plain, '--server', farm.server]),
        );
        expect(fetched.code, fetched.stderr).toBe(0);
        const bytes = await readFile(join(farm.folder, 'clip.mp4'));
        expect(bytes.equals(await readFile(plain))).toBe(true);
        expect(await readdir(farm.folder)).not.toContain('clip.so-far.mp4');
      },
    );
  },
);

describe('following', () => {
  it.each([
    ['no output', [], /--output is missing/],
    ['frames', ['--output', 'a.mp4', '--frames', 'd'], /--frames: what is there now/],
  ])('is refused with %s', async (_, flags, message) => {
    const run = await endOfCli(startCli(['fetch', 'abc', '--follow', ...flags]));
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(message);
  });

  it('is refused where the output is there, before anything is asked for', async () => {
    const farm = await farmOf.start({ workers: 0 });
    await writeFile(join(farm.folder, 'clip.mp4'), 'mine');
    const run = await follow(farm, 'abc').end;
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/clip\.mp4 exists\nhint: Add --overwrite/);
    expect(await readFile(join(farm.folder, 'clip.mp4'), 'utf8')).toBe('mine');
  });

  it('is refused under a name of another format, while the job waits', async () => {
    const farm = await farmOf.start({ workers: 0 });
    const id = await farm.submit(JOB);
    const before = await readdir(farm.folder);
    for (const name of ['clip.webm', 'folder/']) {
      const output = `${farm.folder}/${name}`;
      const words = ['fetch', id, '--follow', '--overwrite', '--output', output];
      const run = await endOfCli(startCli([...words, '--server', farm.server]));
      expect(run.code, run.stderr).toBe(2);
      expect(run.stderr).toMatch(
        /does not end in \.mp4.*\n.*hint: Job .* has the format mp4: give/s,
      );
      expect((await farm.client.get(id)).state).not.toBe('done');
    }
    expect(await readdir(farm.folder)).toEqual(before);
  });
});
