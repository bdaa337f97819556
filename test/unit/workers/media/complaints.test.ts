// What FFmpeg says is kept until it is asked for, one saying of each kind.

import { expect, test } from 'vitest';
import { Complaints } from '../../../../workers/media/ffmpeg/complaints.ts';

test('keeps what comes after a saying that is repeated for every packet', () => {
  const complaints = new Complaints();
  for (let packet = 0; packet < 1000; packet++)
    complaints.add(`DTS ${packet} < ${packet + 1} out of order at 0x${packet.toString(16)}\n`);
  complaints.add('stream 0, offset 0x1f4: partial file');
  expect(complaints.take()).toEqual([
    'DTS 0 < 1 out of order at 0x0',
    'stream 0, offset 0x1f4: partial file',
  ]);
  expect(complaints.take()).toEqual([]);
});

test('holds no more kinds than it has room for', () => {
  const complaints = new Complaints();
  for (let kind = 0; kind < 1000; kind++) complaints.add('x'.repeat(kind + 1));
  expect(complaints.take()).toHaveLength(50);
});
