import { describe, expect, it } from 'vitest';

import { digestText } from '../../../../common/digest.ts';
import {
  decodeDocument,
  decodeRecord,
  encodeDocument,
  encodeRecord,
} from '../../../../common/store/envelope.ts';
import { recordOf, taskIdOf } from '../../../support/conformance/results.ts';

describe('the envelope of a record', () => {
  const record = recordOf('a', []);

  it('is one line of JSON with the checksum of the record in it', () => {
    const text = Buffer.from(encodeRecord(record)).toString();
    const parsed = JSON.parse(text) as { checksum: string; record: unknown };
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(parsed.record).toEqual(record);
    expect(parsed.checksum).toBe(digestText(JSON.stringify(parsed.record)));
  });

  it('is the same whatever the order of keys', () => {
    const turned = Object.fromEntries(Object.entries(record).toReversed()) as typeof record;
    expect(encodeRecord(turned)).toEqual(encodeRecord(record));
  });

  it('opens only for its own task', () => {
    const bytes = encodeRecord(record);
    expect(decodeRecord(bytes, taskIdOf('a'))).toEqual(record);
    expect(decodeRecord(bytes, taskIdOf('b'))).toBeUndefined();
  });

  it('does not open when cut anywhere', () => {
    const bytes = encodeRecord(record);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRecord(bytes.subarray(0, length), record.taskId), `${length}`).toBeUndefined();
    }
  });

  it('opens from the middle of other bytes', () => {
    const around = Buffer.concat([Buffer.from('xx'), encodeRecord(record), Buffer.from('xx')]);
    expect(decodeRecord(around.subarray(2, -2), record.taskId)).toEqual(record);
  });
});

describe('the envelope of a document', () => {
  const bytes = Buffer.from('some bytes \0\xff', 'latin1');

  it('gives back the bytes', () => {
    expect(Buffer.from(decodeDocument(encodeDocument(bytes)) ?? [])).toEqual(bytes);
    expect(decodeDocument(encodeDocument(Buffer.from('')))).toHaveLength(0);
  });

  it('does not open with any bit flipped', () => {
    const sound = encodeDocument(bytes);
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const index = bit >> 3;
      const flipped = sound.with(index, sound[index]! ^ (1 << (bit & 7)));
      expect(decodeDocument(flipped), `bit ${bit}`).toBeUndefined();
    }
  });
});
