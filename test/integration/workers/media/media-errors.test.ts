// Does every broken source give one clear error that names it? Real broken files, a real media process.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMediaService } from '../../../../workers/media/media-service.ts';
import { caseFile } from '../../../support/media/cases.ts';
import { collect, fixture } from '../../../support/media/clips.ts';

const media = createMediaService();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-errors-'));
});
afterAll(async () => {
  await media.close();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['truncated.mp4', /truncated\.mp4 is truncated: it ends too early; 10 frames could be read/],
  ['truncated.webm', /truncated\.webm is truncated: .*; 27 frames could be read/],
  ['no-index.mp4', /no-index\.mp4 is truncated: .*; 0 frames could be read/],
  ['text.mp4', /text\.mp4 is not a video or picture/],
  ['empty.mp4', /empty\.mp4 is not a video or picture/],
])('refuses %s with its name, the reason and what to do', async (name, message) => {
  const failing = media.probe(fixture(name));
  await expect(failing).rejects.toMatchObject({ code: 'invalid-argument', retry: 'never' });
  await expect(failing).rejects.toThrow(message);
  await expect(failing).rejects.toHaveProperty('hint', expect.stringMatching(/\.$|\.mp4$/));
});

test('refuses a codec that nobody knows, by its name', async () => {
  const strange = path.join(folder, 'strange.mp4');
  const bytes = await readFile(fixture('b-frames.mp4'));
  bytes.write('zzzz', bytes.indexOf('avc1', bytes.indexOf('stsd')), 'latin1');
  await writeFile(strange, bytes);
  await expect(media.probe(strange)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('strange.mp4 uses a codec that cannot be read') as string,
  });
});

test('refuses a file that is not there', async () => {
  await expect(media.probe(path.join(folder, 'nowhere.mp4'))).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('nowhere.mp4: no such file or folder') as string,
  });
});

test('refuses a folder without pictures', async () => {
  const bare = path.join(folder, 'bare');
  await mkdir(bare);
  await writeFile(path.join(bare, 'notes.txt'), 'no picture');
  await expect(media.probe(bare)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: 'bare holds no pictures',
    hint: expect.stringContaining('AVIF') as string,
  });
});

test('refuses a container without a single frame', async () => {
  const hollow = path.join(folder, 'hollow.mp4');
  const fragments = await readFile(caseFile('times/fragments.mp4'));
  // What says of which kind they are, and none of them.
  await writeFile(hollow, fragments.subarray(0, fragments.indexOf('moof') - 4));
  await expect(media.probe(hollow)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: 'hollow.mp4 has no video frames',
  });
});

test('refuses an index past the end and says how the indices came about', async () => {
  const asked = media.decode({
    path: fixture('variable-rate.mp4'),
    indices: [0, 4, 8, 12, 16, 20, 24, 28],
    size: { width: 64, height: 48 },
    resize: 'stretch',
    askedAs: '8 frames, stride 4',
  });
  await expect(collect(asked)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: 'variable-rate.mp4 has 12 frames; frames up to 28 were asked for (8 frames, stride 4)',
    hint: expect.stringContaining('the last frame is 11') as string,
  });
});

test('tells how far a picture sequence was sound when one of them is damaged', async () => {
  const pictures = path.join(folder, 'damaged');
  await mkdir(pictures);
  const sound = await readFile(fixture('alpha.png'));
  await writeFile(path.join(pictures, '1.png'), sound);
  await writeFile(path.join(pictures, '2.png'), sound.subarray(0, sound.length - 60));
  const size = { width: 64, height: 48 };
  const asked = media.decode({ path: pictures, indices: [0, 1], size, resize: 'stretch' });
  await expect(collect(asked)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('2.png is damaged') as string,
  });
});

test.each([
  [
    'SVG',
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><rect width="9" height="9"/></svg>',
  ],
  ['TIFF', undefined],
])(
  'refuses %s that is named .png in a folder, also as far as only headers are read',
  async (kind, text) => {
    const pictures = path.join(folder, kind);
    await mkdir(pictures);
    const create = { width: 64, height: 48, channels: 3, background: 'red' } as const;
    const bytes = text ?? (await sharp({ create }).tiff().toBuffer());
    await writeFile(path.join(pictures, '1.png'), bytes);
    const size = { width: 64, height: 48 };
    const refusal = {
      code: 'invalid-argument',
      message: `${kind}/1.png is damaged, or no picture`,
      hint: expect.stringContaining('PNG, JPEG, WebP or AVIF') as string,
    };
    await expect(media.probe(pictures)).rejects.toMatchObject(refusal);
    await expect(media.probe(pictures, { survey: true })).rejects.toMatchObject(refusal);
    const asked = media.decode({ path: pictures, indices: [0], size, resize: 'stretch' });
    await expect(collect(asked)).rejects.toMatchObject(refusal);
  },
);

test('opens nothing that a playlist in a video’s clothes points at', async () => {
  const playlist = path.join(folder, 'playlist.mp4');
  await writeFile(
    playlist,
    `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${fixture('vp9.webm')}\n`,
  );
  await expect(media.probe(playlist)).rejects.toMatchObject({ code: 'invalid-argument' });
});
