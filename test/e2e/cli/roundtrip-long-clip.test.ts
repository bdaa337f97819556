// Goal: a roundtrip of a long clip keeps every frame, in flat memory, and leaves nothing when it is stopped. Method: the real program on
// two thousand frames that bear their index.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createMediaService } from '../../../workers/media/media-service.ts';
import { endOfCli, startCli } from '../../support/cli-process.ts';
import { indexPicture, indicesIn } from '../../support/media/index-pictures.ts';
import { isThorough, itThorough } from '../../support/thorough.ts';
import { MAIN, createWorkplace } from './workplace.ts';
import type { Workplace } from './workplace.ts';

await using media = createMediaService();

describe('a long clip', () => {
  const SIZE = { width: 320, height: 240 };
  const FRAMES = isThorough ? 2000 : 500;
  let place: Workplace;
  let clip: string;

  beforeAll(async () => {
    place = await createWorkplace();
    clip = place.path('long.mp4');
    const frames = function* (): Generator<Uint8Array> {
      for (let index = 0; index < FRAMES; index += 1) yield indexPicture(index % 256, SIZE);
    };
    await media.encode(
      { path: clip, format: 'mp4', framesPerSecond: 30000 / 1001, ...SIZE },
      frames(),
    );
  });
  afterAll(() => place[Symbol.asyncDispose]());

  itThorough(
    'keeps its frames and exact rate, and needs no more memory than a short one',
    async () => {
      const peakOf = async (name: string, ...flags: string[]): Promise<number> => {
        const words = ['roundtrip', clip, place.path('out', name), '--json', '--quiet', ...flags];
        const child = startCli(words);
        const peak = watchMemory(child);
        const run = await endOfCli(child);
        expect(run.code, run.stderr).toBe(0);
        return peak();
      };
      const short = await peakOf('short.mp4', '--frames', '1000');
      const long = await peakOf('long.mp4');
      const facts = await media.probe(place.path('out', 'long.mp4'));
      expect(facts).toMatchObject({ frames: FRAMES, framesPerSecond: 29.97 });
      const indices = await indicesIn(media, place.path('out', 'long.mp4'));
      expect(indices).toEqual(Array.from({ length: FRAMES }, (_, i) => i % 256));
      // Half of them, since memory takes hundreds of frames to settle. 1,000 frames more, all at once, would be 230 MB.
      expect(long - short).toBeLessThan(100e6);
    },
  );

  it('that Ctrl-C stops leaves nothing', async () => {
    const words = ['roundtrip', clip, place.path('stopped', 'clip.mp4'), '--size', '640x480'];
    // A group of its own, all of which a terminal's Ctrl-C reaches.
    const child = spawn(process.execPath, [MAIN, ...words], { detached: true });
    const end = endOfCli(child);
    const begun = async (): Promise<boolean> =>
      readdir(place.path('stopped'), { recursive: true }).then(
        (names) => names.some((name) => name.includes('made/')),
        () => false,
      );
    while (child.exitCode === null && !(await begun())) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill(-child.pid!, 'SIGINT');
    const run = await end;
    expect(run.code, run.stderr).toBe(130);
    expect(run.stderr).toMatch(/stopped; nothing was written/);
    expect(run.stderr).not.toMatch(/error/);
    expect(await readdir(place.folder)).not.toContain('stopped');
  });
});

/** The most memory that the process and its children have held at once, bytes. Linux only; 0 elsewhere. */
function watchMemory({ pid }: ChildProcess): () => number {
  let peak = 0;
  const timer = setInterval(() => void look(), 50);
  const look = async (): Promise<void> => {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    const pids = [String(pid), ...children.split(' ').filter((text) => text !== '')];
    const pages = await Promise.all(
      pids.map((one) => readFile(`/proc/${one}/statm`, 'utf8').catch(() => '0 0')),
    );
    const resident = pages.map((text) => Number(text.split(' ')[1]) * 4096);
    peak = Math.max(
      peak,
      resident.reduce((sum, bytes) => sum + bytes, 0),
    );
  };
  return () => {
    clearInterval(timer);
    return peak;
  };
}
