// Is a file known by its first bytes, and nothing but what may reach FFmpeg? Real files of a few bytes.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sniffFile } from '../../../../workers/media/sources/sniff.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bivdiff-sniff-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function sniff(bytes: Uint8Array | string) {
  const file = path.join(folder, 'file');
  await writeFile(file, typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return sniffFile(file);
}

test.each([
  ['\0\0\0\x18ftypisom', 'mp4'],
  ['\0\0\0\x18ftypavis', 'mp4'],
  ['\0\0\0\x18ftypavif', 'avif'],
  ['\0\0\0\x08wide', 'mp4'],
  ['\x1a\x45\xdf\xa3', 'matroska'],
  ['RIFF\0\0\0\0AVI LIST', 'avi'],
  ['RIFF\0\0\0\0WEBPVP8X', 'webp'],
  ['FLV\x01\x05', 'flv'],
  ['OggS', 'ogg'],
  ['\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'asf'],
  ['DKIF', 'ivf'],
  ['YUV4MPEG2 W64', 'y4m'],
  ['\0\0\x01\xba', 'mpeg'],
  ['GIF89a', 'gif'],
  ['\xff\xd8\xff\xe0', 'jpeg'],
])('takes %j for %s', async (head, kind) => {
  expect(await sniff(head)).toBe(kind);
});

test.each([
  [188, 0],
  [192, 4],
  [204, 0],
])('takes packets of %d bytes, in sync at %d, for a transport stream', async (length, sync) => {
  const packets = new Uint8Array(length * 3);
  for (const packet of [0, 1, 2]) packets[packet * length + sync] = 0x47;
  expect(await sniff(packets)).toBe('mpegts');
  expect(await sniff(packets.with(2 * length + sync, 0))).toBe('unknown');
});

test.each([
  ['a playlist', '#EXTM3U\nclip.ts\n'],
  ['a list of files to join', "ffconcat version 1.0\nfile 'clip.mp4'\n"],
  ['a manifest', '<?xml version="1.0"?><MPD></MPD>'],
  ['a session description', 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n'],
  ['a sound file', 'RIFF\0\0\0\0WAVEfmt '],
  ['text', 'this is no video'],
  ['nothing', ''],
])('knows nothing of %s', async (_, head) => {
  expect(await sniff(head)).toBe('unknown');
});

const chunk = (type: string, length: number) => {
  const head = Buffer.alloc(12 + length);
  head.writeUInt32BE(length);
  head.write(type, 4, 'latin1');
  return head;
};
const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

test('tells an animated PNG from a still one by what comes before its picture', async () => {
  expect(await sniff(Buffer.concat([PNG, chunk('IHDR', 13), chunk('IDAT', 5)]))).toBe('png');
  const animated = [PNG, chunk('IHDR', 13), chunk('acTL', 8), chunk('IDAT', 5)];
  expect(await sniff(Buffer.concat(animated))).toBe('apng');
  const late = [PNG, chunk('IHDR', 13), chunk('IDAT', 5), chunk('acTL', 8)];
  expect(await sniff(Buffer.concat(late))).toBe('png');
});
