// Goal: what a user says reaches the coordinator as it was said, in fields of the message or beside them.

import { describe, expect, it } from 'vitest';

import { specMessage } from '../../../../cli/farm/spec-message.ts';
import { RenderSpec as SpecMessage } from '../../../../common/gen/bivdiff/v1/render_spec.ts';
import { specOfMessage } from '../../../../coordinator/rpc/accept-submission.ts';
import { parseRenderSpec } from '../../../../recipes/spec/parse.ts';

const whole = { apiVersion: 'bivdiff/v1', input: { path: 'c.mp4' }, prompt: 'p' };

function overTheWire(settings: object) {
  const spec = parseRenderSpec({ ...whole, ...settings }, 'the test');
  const sent = SpecMessage.decode(SpecMessage.encode(specMessage(spec)).finish());
  const { taskSettingsJson, ...message } = sent;
  const beside = JSON.parse(taskSettingsJson || '{}') as object;
  return { spec, read: parseRenderSpec(specOfMessage(sent), 'the wire'), message, beside };
}

describe('controls', () => {
  it.each([
    {},
    { control: { type: 'canny', scale: 1 } },
    { control: { type: 'canny', low: 20, high: 40, scale: '0.5' } },
    { control: { type: 'canny,depth', scale: 1 } },
  ])('of one weight have the fields that the message always had: %j', (settings) => {
    const { spec, read, beside } = overTheWire({ task: 'controlnet', ...settings });
    expect(read).toEqual(spec);
    expect(beside).toEqual({});
  });

  it.each([
    { control: { type: 'canny' } },
    { control: { type: 'canny,depth' } },
    { control: { scale: '0.2..1' } },
    { control: { type: 'canny,depth', scale: '1,0.5', low: 20 } },
    { control: { start: 0.2 } },
    { control: { end: '0.5,1', type: 'canny,depth' } },
    {
      controls: [
        { type: 'canny', scale: [{ frame: 0, scale: 1 }] },
        { type: 'depth', end: 0.5 },
      ],
    },
  ])('that the message cannot say travel beside it: %j', (settings) => {
    for (const task of ['controlnet', 't2i-adapter']) {
      const { spec, read, message, beside } = overTheWire({ task, ...settings });
      expect(read).toEqual(spec);
      expect(message.control).toBeUndefined();
      expect(Object.keys(beside)).toEqual(Object.keys(settings));
    }
  });
});

describe('sound of the output', () => {
  it('travels beside the message, by its full name, only where it is kept', () => {
    const output = { format: 'webm', comparison: true };
    const { spec, read, beside } = overTheWire({
      task: 'frames',
      output: { ...output, audio: 'keep' },
    });
    expect(read).toEqual(spec);
    // What an older coordinator does not know it refuses by this name.
    expect(beside).toEqual({ 'output.audio': 'keep' });
    const silent = overTheWire({ task: 'frames', output: { ...output, audio: 'none' } });
    expect(silent.beside).toEqual({});
    expect(silent.read.output).toEqual({ ...silent.spec.output, audio: undefined });
  });
});
