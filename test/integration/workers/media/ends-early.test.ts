// Is a file that was cut off refused, whatever it is? Whole files of each kind, cut by the test. A real media process.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import { caseFile } from '../../../support/media/cases.ts';
import { fixture } from '../../../support/media/clips.ts';

const media = createMediaService();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-cut-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

const WHOLE = [
  fixture('b-frames.mp4'),
  fixture('vp9.webm'),
  fixture('clip.gif'),
  ...['alphas/animated.png', 'animations/sequence.avif', 'pixels/vp9.ivf'].map(caseFile),
  ...['pixels/420-mjpeg.avi', 'pixels/dnxhr.mxf', 'pixels/theora.ogv', 'pixels/420.y4m'].map(
    caseFile,
  ),
];

describe.each(WHOLE)('%s', (whole) => {
  test.each([0.4, 0.6, 0.9])('is refused when only %d of it is there', async (share) => {
    const bytes = await readFile(whole);
    const name = `cut-${share}${path.extname(whole)}`;
    const cut = path.join(folder, name);
    await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length * share)));
    await expect(media.probe(cut)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(
        new RegExp(`^${name.replaceAll('.', '\\.')} (is truncated|is damaged|cannot be read)`),
      ) as string,
    });
  });

  test('is read whole', async () => {
    expect((await media.probe(whole)).frames).toBeGreaterThan(1);
  });
});
